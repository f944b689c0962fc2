-- Applies review events, in seq order, to the products' ratings.
--
-- KEYS     three a product: rating, reviewCount, ratingState
-- ARGV[1]  expiry of the keys in seconds, 0 = none
-- ARGV[1+i] the events of product i: "<seq>:<previous><now>" separated by blanks, where previous and now are a digit
--          1..5, or 0 for "none counts"; "<seq>:DD" is the product's deletion
--
-- Returns  one string a product: "<status> <applied> <seen>", where applied and seen count events and status is
--          OK       all events are in the state now
--          MISSING  stopped at an event with no valid state to build on
--          GAP      stopped at an event whose predecessor is not in the state
--          BROKEN   stopped at an event that takes away a review which the state does not hold
--          What was applied before the stop stays. A deletion behind the stop is applied all the same, and what it
--          makes needless counts as seen. The rest of the products is not affected.
--
-- Safe to run twice: what is in the state already is "seen".

local ttl = tonumber(ARGV[1])
local states = read_states()
local answers = {}

for product = 1, #KEYS / 3 do
  local state = parse_state(states[product])
  local status, applied, seen, skipped = 'OK', 0, 0, 0

  for seq_text, previous, now in string.gmatch(ARGV[1 + product], '(%d+):(.)(.)') do
    local seq = tonumber(seq_text)
    if state and seq <= state.seq then
      seen = seen + 1
    elseif previous == 'D' then
      state = { seq = seq, deleted = true }
      status, applied, seen, skipped = 'OK', applied + 1, seen + skipped, 0
    elseif status ~= 'OK' then
      skipped = skipped + 1
    elseif not state or state.deleted then
      status, skipped = 'MISSING', 1
    elseif seq > state.seq + 1 then
      status, skipped = 'GAP', 1
    else
      local from, to = tonumber(previous), tonumber(now)
      if from > 0 and state[from] == 0 then
        status, skipped = 'BROKEN', 1
      else
        if from > 0 then state[from] = state[from] - 1 end
        if to > 0 then state[to] = state[to] + 1 end
        state.seq = seq
        applied = applied + 1
      end
    end
  end

  if applied > 0 then
    local first = 3 * product - 2
    write_state(KEYS[first], KEYS[first + 1], KEYS[first + 2], state, ttl)
  end
  answers[product] = string.format('%s %d %d', status, applied, seen)
end

return answers
