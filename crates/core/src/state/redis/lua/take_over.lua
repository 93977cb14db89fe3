-- Makes a lost write another's. KEYS: record. ARGV: lost ticket, new ticket, milliseconds.
local known = redis.call('HMGET', KEYS[1], 'owner', 'outcome')
if known[1] ~= ARGV[1] or known[2] then return 0 end
redis.call('HSET', KEYS[1], 'owner', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
