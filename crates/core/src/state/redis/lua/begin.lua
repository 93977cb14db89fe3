-- The record of a write, or a new one. KEYS: record. ARGV: fingerprint, ticket, milliseconds.
local known = redis.call('HMGET', KEYS[1], 'fingerprint', 'owner', 'outcome')
if known[1] then return known end
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'owner', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {}
