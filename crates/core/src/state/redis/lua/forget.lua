-- Forgets a write that was not done. KEYS: record. ARGV: ticket.
if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
