-- Keeps an outcome, also when the record was lost with the server's memory. KEYS: record. ARGV: ticket, fingerprint,
-- outcome, milliseconds.
local owner = redis.call('HGET', KEYS[1], 'owner')
if owner and owner ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[2], 'owner', ARGV[1], 'outcome', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
