-- Writes aggregates that were read from PostgreSQL as the products' ratings, unless Redis is ahead of them.
-- include: rating-state
--
-- KEYS     three a product: rating, reviewCount, ratingState
-- ARGV[1]  expiry of the keys in seconds, 0 = none
-- ARGV[1+i] the aggregate of product i: "<seq> <n1> <n2> <n3> <n4> <n5> <tag>"
--
-- Returns  one string a product:
--          WRITTEN  the keys hold the aggregate now
--          NEWER    a valid state with a higher seq was there, or a tombstone with the same or a higher one. It stays;
--                   the public keys were derived from it again, which repairs a lost or corrupt one.
--
-- A malformed aggregate is an error before anything is written. Safe to run twice.

local ttl = tonumber(ARGV[1])
local aggregates = {}
for product = 1, #KEYS / 3 do
  local aggregate = parse_state(ARGV[1 + product])
  if not aggregate or aggregate.deleted then
    return redis.error_reply('ERR not a rating aggregate: argument ' .. (1 + product))
  end
  aggregates[product] = aggregate
end

local states = read_states()
local answers = {}
for product = 1, #aggregates do
  local state, aggregate = parse_state(states[product]), aggregates[product]
  local newer = state and (state.seq > aggregate.seq or (state.deleted and state.seq == aggregate.seq))
  local first = 3 * product - 2
  write_state(KEYS[first], KEYS[first + 1], KEYS[first + 2], newer and state or aggregate, ttl)
  answers[product] = newer and 'NEWER' or 'WRITTEN'
end
return answers
