-- Ends a turn with its result. KEYS: edition, value, turn. ARGV: edition, holder of the turn, milliseconds, value, and
-- 1 to look for room. The turn ends first: that works even where there is no room for the value.
if redis.call('GET', KEYS[3]) == ARGV[2] then redis.call('DEL', KEYS[3]) end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[5] == '1' then
  -- The last fifth is for what may not be lost.
  local memory = redis.call('INFO', 'memory')
  local used = tonumber(string.match(memory, 'used_memory:(%d+)')) or 0
  local most = tonumber(string.match(memory, 'maxmemory:(%d+)')) or 0
  if most > 0 and used > most * 0.8 then return 2 end
end
redis.call('SET', KEYS[2], ARGV[1] .. ARGV[4], 'PX', ARGV[3])
-- An edition outlives what was read under it.
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1
