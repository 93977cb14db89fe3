-- A result, or whose turn it is to fetch it. KEYS: edition, value, turn. ARGV: new edition, asker, milliseconds of a
-- turn. A value begins with the edition under which it was read; what has another one is not there.
local edition = redis.call('GET', KEYS[1])
if edition then
  local value = redis.call('GET', KEYS[2])
  if value and string.sub(value, 1, #edition) == edition then
    local left = string.format('%.0f', math.max(0, redis.call('PTTL', KEYS[2])))
    return { 'found', edition, left, string.sub(value, #edition + 1) }
  end
else
  edition = ARGV[1]
  redis.call('SET', KEYS[1], edition, 'PX', 3600000)
end
local mine = edition .. ARGV[2]
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= mine and string.sub(holder, 1, #edition) == edition then
  return { 'theirs', edition, holder }
end
redis.call('SET', KEYS[3], mine, 'PX', ARGV[3])
return { 'yours', edition }
