-- Puts snapshots of SQL into the products' ratings, unless Redis is ahead of them.
--
-- KEYS     three a product: rating, reviewCount, ratingState
-- ARGV[1]  expiry of the keys in seconds, 0 = none
-- ARGV[1+i] the snapshot of product i: "<seq> <n1> <n2> <n3> <n4> <n5>"
--
-- Returns  one string a product:
--          WRITTEN  the keys hold the snapshot now
--          NEWER    a valid state with a higher seq was there, or a tombstone with the same or a higher one. It stays;
--                   the public keys were written anew from it, which heals a lost or spoilt one.
--
-- A malformed snapshot is an error before anything is written. Safe to run twice.

local ttl = tonumber(ARGV[1])
local snapshots = {}
for product = 1, #KEYS / 3 do
  local snapshot = parse_state(ARGV[1 + product])
  if not snapshot or snapshot.deleted then
    return redis.error_reply('ERR not a rating snapshot: argument ' .. (1 + product))
  end
  snapshots[product] = snapshot
end

local states = read_states()
local answers = {}
for product = 1, #snapshots do
  local state, snapshot = parse_state(states[product]), snapshots[product]
  local newer = state and (state.seq > snapshot.seq or (state.deleted and state.seq == snapshot.seq))
  local first = 3 * product - 2
  write_state(KEYS[first], KEYS[first + 1], KEYS[first + 2], newer and state or snapshot, ttl)
  answers[product] = newer and 'NEWER' or 'WRITTEN'
end
return answers
