-- Keeps a value, whatever is there or only over the version seen. KEYS: value, index. ARGV: any or swap, version seen,
-- version and value, milliseconds or 0, name. The index knows when each value is over.
if ARGV[1] == 'swap' and redis.call('GETRANGE', KEYS[1], 0, 7) ~= ARGV[2] then return 0 end
local time = redis.call('TIME')
local now, kept = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[4])
local over = 'inf'
if kept > 0 then
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
  over = string.format('%.0f', now + kept)
else
  redis.call('SET', KEYS[1], ARGV[3])
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now))
redis.call('ZADD', KEYS[2], over, ARGV[5])
return 1
