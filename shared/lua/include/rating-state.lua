-- What the rating scripts have in common. A script that says "-- include: rating-state" has it put in front.
--
-- The three keys of a product, in this order everywhere: rating, reviewCount, ratingState.
-- ratingState is "<seq> <n1> <n2> <n3> <n4> <n5> <tag>" or "<seq> deleted <tag>" (the tombstone). The tag is that of the event
-- that has the number seq: its id's last 8 hex digits.

-- PostgreSQL's integer; a state beyond it is corrupt.
local MAX_SEQUENCE = 2147483647

-- A deleted product's tombstone outlives whatever may still come late.
local TOMBSTONE_SECONDS = 86400

local TAG = '(' .. string.rep('[0-9a-f]', 8) .. ')'
local RATING_PATTERN = '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) ' .. TAG .. '$'
local TOMBSTONE_PATTERN = '^(%d+) deleted ' .. TAG .. '$'

-- text (string or false) -> { seq =, tag =, deleted = boolean, [1..5] = counts }, or nil where it holds no valid state.
local function parse_state(text)
  if not text then return nil end
  local seq, n1, n2, n3, n4, n5, tag = string.match(text, RATING_PATTERN)
  if seq then
    if #seq > 10 or tonumber(seq) > MAX_SEQUENCE then return nil end
    if #n1 > 15 or #n2 > 15 or #n3 > 15 or #n4 > 15 or #n5 > 15 then return nil end
    return {
      seq = tonumber(seq), tag = tag, deleted = false,
      tonumber(n1), tonumber(n2), tonumber(n3), tonumber(n4), tonumber(n5),
    }
  end
  seq, tag = string.match(text, TOMBSTONE_PATTERN)
  if seq and #seq <= 10 and tonumber(seq) <= MAX_SEQUENCE then
    return { seq = tonumber(seq), tag = tag, deleted = true }
  end
  return nil
end

-- The shortest text that reads back equal, as JavaScript's String(number) for the range 0 to 5.
local function shortest(number)
  for precision = 15, 17 do
    local text = string.format('%.' .. precision .. 'g', number)
    if tonumber(text) == number then return text end
  end
end

-- Writes the three keys from a state. ttl in seconds, 0 = none.
local function write_state(rating_key, count_key, state_key, state, ttl)
  if state.deleted then
    redis.call('DEL', rating_key, count_key)
    redis.call('SET', state_key, string.format('%d deleted %s', state.seq, state.tag), 'EX', TOMBSTONE_SECONDS)
    return
  end
  local count = state[1] + state[2] + state[3] + state[4] + state[5]
  local average = 0
  if count > 0 then
    average = (state[1] + 2 * state[2] + 3 * state[3] + 4 * state[4] + 5 * state[5]) / count
  end
  local text = string.format(
    '%d %d %d %d %d %d %s', state.seq, state[1], state[2], state[3], state[4], state[5], state.tag)
  if ttl > 0 then
    redis.call('SET', rating_key, shortest(average), 'EX', ttl)
    redis.call('SET', count_key, string.format('%d', count), 'EX', ttl)
    redis.call('SET', state_key, text, 'EX', ttl)
  else
    redis.call('MSET', rating_key, shortest(average), count_key, string.format('%d', count), state_key, text)
  end
end

-- The stored states of all products of this call, in one command; keys of another type read as absent.
local function read_states()
  local keys = {}
  for i = 3, #KEYS, 3 do keys[#keys + 1] = KEYS[i] end
  return redis.call('MGET', unpack(keys))
end
