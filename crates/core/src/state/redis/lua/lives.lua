-- Whether a replica lives. KEYS: replicas. ARGV: replica.
local time = redis.call('TIME')
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) > time[1] * 1000000 + time[2] then return 1 end
return 0
