-- Takes room for one request in every window and a place in flight, or nothing and tells why.
-- KEYS: pause, places in flight, then one hash for each window. ARGV: places, lease, its milliseconds, then for each
-- window its requests and microseconds. A window is counted in fiftieths; a request leaves it two of them late, so that
-- one that travels slower than the next does not make the provider see too many.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local wait = math.max(0, redis.call('PTTL', KEYS[1])) * 1000
local whole = function(n) return string.format('%.0f', n) end
local step = function(window) return math.max(1, math.floor(window / 50)) end
for i = 3, #KEYS do
  local limit, window = tonumber(ARGV[2 * i - 2]), tonumber(ARGV[2 * i - 1])
  local part, sum, left = step(window), 0, {}
  local all = redis.call('HGETALL', KEYS[i])
  for j = 1, #all, 2 do
    local free, count = (tonumber(all[j]) + 2) * part + window, tonumber(all[j + 1])
    if free <= now then
      redis.call('HDEL', KEYS[i], all[j])
    else
      sum = sum + count
      left[#left + 1] = { free, count }
    end
  end
  local over = sum - limit + 1
  if over > 0 then
    table.sort(left, function(a, b) return a[1] < b[1] end)
    for _, group in ipairs(left) do
      over = over - group[2]
      if over <= 0 then
        wait = math.max(wait, group[1] - now)
        break
      end
    end
  end
end
if wait > 0 then return { 'wait', whole(math.ceil(wait)) } end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', whole(now))
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[1]) then return { 'busy' } end
redis.call('ZADD', KEYS[2], whole(now + ARGV[3] * 1000), ARGV[2])
redis.call('PEXPIRE', KEYS[2], whole(ARGV[3] * 2))
for i = 3, #KEYS do
  local window = tonumber(ARGV[2 * i - 1])
  redis.call('HINCRBY', KEYS[i], whole(math.floor(now / step(window))), 1)
  redis.call('PEXPIRE', KEYS[i], whole(math.ceil(window / 900)))
end
return { 'go' }
