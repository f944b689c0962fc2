-- Applies changes, in seq order, to the products' ratings.
-- include: rating-state
--
-- KEYS     three a product: rating, reviewCount, ratingState
-- ARGV[1]  expiry of the keys in seconds, 0 = none
-- ARGV[1+i] the changes of product i: "<seq>:<tag>:<previous><now>" separated by blanks, where tag is the event's, and previous
--          and now are a digit 1..5, or 0 for "none counts"; "<seq>:<tag>:DD" is the product's deletion
--
-- Returns  one string a product: "<status> <applied> <duplicates>", where applied and duplicates count changes and
--          status is
--          OK       all changes are in the state now
--          MISSING  stopped at a change with no valid state to build on
--          GAP      stopped at a change whose predecessor is not in the state
--          BROKEN   stopped at a change that takes away a review which the state does not hold
--          FORK     stopped at a change with the state's seq and another tag: one of the two is of a discarded timeline
--          What was applied before the stop stays. After a stop only a product deletion is still applied. The changes
--          skipped before it are then counted as duplicates, since the tombstone supersedes them. The rest of the
--          products is not affected.
--
-- Safe to run twice: a change whose seq the state holds already is a duplicate and changes nothing.

local ttl = tonumber(ARGV[1])
local states = read_states()
local answers = {}

for product = 1, #KEYS / 3 do
  local state = parse_state(states[product])
  local status, applied, duplicates, skipped = 'OK', 0, 0, 0

  for seq_text, tag, previous, now in string.gmatch(ARGV[1 + product], '(%d+):(%x+):(.)(.)') do
    local seq = tonumber(seq_text)
    if state and seq <= state.seq then
      -- Two deletions leave the same tombstone, whichever timeline is discarded.
      if seq == state.seq and tag ~= state.tag and not (state.deleted and previous == 'D') then
        status, skipped = 'FORK', skipped + 1
      else
        duplicates = duplicates + 1
      end
    elseif previous == 'D' then
      state = { seq = seq, tag = tag, deleted = true }
      status, applied, duplicates, skipped = 'OK', applied + 1, duplicates + skipped, 0
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
        state.seq, state.tag = seq, tag
        applied = applied + 1
      end
    end
  end

  if applied > 0 then
    local first = 3 * product - 2
    write_state(KEYS[first], KEYS[first + 1], KEYS[first + 2], state, ttl)
  end
  answers[product] = string.format('%s %d %d', status, applied, duplicates)
end

return answers
