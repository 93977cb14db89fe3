-- Removes a value, any or the one of a version. KEYS: value, index. ARGV: version or nothing, name.
local version = redis.call('GETRANGE', KEYS[1], 0, 7)
if version == '' or (ARGV[1] ~= '' and version ~= ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[2])
return 1
