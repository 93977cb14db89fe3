-- Adds an entry and drops the oldest. KEYS: entries, counter. ARGV: entry, most, milliseconds.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local number = redis.call('INCR', KEYS[2])
local whole = function(n) return string.format('%.0f', n) end
redis.call('XADD', KEYS[1], 'MAXLEN', '=', ARGV[2], whole(number) .. '-0', 'entry', ARGV[1], 'at', whole(now))
for _, old in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 10)) do
  if tonumber(old[2][4]) + tonumber(ARGV[3]) >= now then break end
  redis.call('XDEL', KEYS[1], old[1])
end
return whole(number)
