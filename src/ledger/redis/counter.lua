#!lua name=counter_v2
-- The counters' ledger as a Redis Function library. docs/redis.md specifies the keys, the texts and
-- the functions; the rules of a press are those of src/counter/press.cpp.
--
-- Arguments and keys are checked before the first write, because an error does not undo what a
-- function has written. Values have 64 bits and Lua's numbers 53: they stay texts, and Redis does
-- the sums. Each redis.call takes as long as a dozen lines of Lua, so that a batch makes few.

local INTEGER_MAX = 9007199254740991 -- 2^53 - 1
local COUNTERS_MAX = 1000
local BATCH_MAX = 4096               -- presses of a kind; groups; presses with keys
local KEYS_KEEP_MS = 3600000         -- at least, unless there are too many
local KEYS_MAX = 250000              -- of a generation
local NAME_BYTES_MAX = 64
local KEY_BYTES_MAX = 64

local function fail(code, why)
  error(redis.error_reply(code .. ' ' .. why))
end

local function integer(args, i, low, high)
  local value = tonumber(args[i])
  if not value or value < low or value > high or value % 1 ~= 0 then
    fail('BADARG', 'argument ' .. i)
  end
  return value
end

local function bytes_of(args, i, low, high)
  local text = args[i]
  if not text or #text < low or #text > high then fail('BADARG', 'argument ' .. i) end
  return text
end

local function name_of(args, i)
  local name = bytes_of(args, i, 1, NAME_BYTES_MAX)
  if not string.find(name, '^[%w._-]+$') then fail('BADARG', 'argument ' .. i) end
  return name
end

-- A whole number of 64 bits that is not negative, as a text without leading zeros.
local function value_of(args, i)
  local text = bytes_of(args, i, 1, 19)
  if not string.find(text, '^%d+$') or (#text > 1 and string.sub(text, 1, 1) == '0') or
     (#text == 19 and text > '9223372036854775807') then
    fail('BADARG', 'argument ' .. i)
  end
  return text
end

local function digest_of(args, i)
  local text = args[i]
  if not text or #text ~= 40 or not string.find(text, '^[0-9a-f]+$') then
    fail('BADARG', 'argument ' .. i)
  end
  return text
end

local function prefix_of(keys)
  if #keys ~= 1 or string.sub(keys[1], -6) ~= ':state' then fail('BADARG', 'the key') end
  return string.sub(keys[1], 1, -6)
end

local function require_ledger(state)
  if redis.call('EXISTS', state) == 0 then fail('EMPTY', 'there is no ledger') end
end

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function text_of(number)
  return string.format('%.0f', number)
end

-- Pressing -------------------------------------------------------------------------------------

-- Keys are remembered in a generation's hash; the one before it is looked up, too.
local function names_of(prefix, generation)
  return prefix .. 'keys:' .. text_of(generation), prefix .. 'keys:' .. text_of(generation - 1)
end

-- The last batches of replicas that pressed nothing in this generation, nor in the one before it.
local function forget_batches(state, generation)
  local all = redis.call('HGETALL', state)
  for i = 1, #all, 2 do
    local begun = string.sub(all[i], 1, 2) == 'b:' and string.match(all[i + 1], '^%d+ (%d+) ')
    if begun and tonumber(begun) < generation - 1 then redis.call('HDEL', state, all[i]) end
  end
end

-- Begins a generation when the time has come, and forgets the one that is not looked up any more;
-- returns the newest one.
local function turn(prefix, state, generation, turned_ms)
  local now = now_ms()
  if now - turned_ms < KEYS_KEEP_MS and now >= turned_ms - KEYS_KEEP_MS and
     redis.call('HLEN', prefix .. 'keys:' .. text_of(generation)) < KEYS_MAX then
    return generation
  end
  generation = generation + 1
  redis.call('HSET', state, 'generation', text_of(generation), 'turned_ms', text_of(now))
  redis.call('UNLINK', prefix .. 'keys:' .. text_of(generation - 2))
  forget_batches(state, generation)
  return generation
end

-- The value of a counter that can be pressed: it exists, or there is room for it.
local function pressable(values, name)
  return redis.call('HGET', values, name) or
         (redis.call('HLEN', values) < COUNTERS_MAX and '0')
end

-- What a value is after Redis has changed it: calls cost more than sums, where these are exact.
local function changed_by(values, name, value, change)
  if #value < 16 then return text_of(tonumber(value) + change) end
  return redis.call('HGET', values, name)
end

-- Adds as much of `count` as 64 bits take to a value that has not enough room for all of it;
-- returns how much, and the value then.
local function fill(values, name, count)
  local added, step = 0, math.floor(count / 2)
  while step >= 1 and added < count do
    if type(redis.pcall('HINCRBY', values, name, text_of(step))) == 'number' then
      added = added + step
      step = math.min(step, count - added)
    else
      step = math.floor(step / 2)
    end
  end
  return added, redis.call('HGET', values, name)
end

-- Adds `count`, or as much of it as 64 bits take; returns how much, and the value then. Nothing
-- where there is no room for the name.
local function add(values, name, count)
  local sum = redis.pcall('HINCRBY', values, name, text_of(count))
  if type(sum) ~= 'number' then return fill(values, name, count) end
  if sum == count and redis.call('HLEN', values) > COUNTERS_MAX then
    redis.call('HDEL', values, name)
    return nil
  end
  return count, sum <= INTEGER_MAX and text_of(sum) or redis.call('HGET', values, name)
end

-- Takes `count` away, or as much of it as there is; returns how much, and the value then.
local function take(values, name, value, count)
  local taken = count
  if #value < 16 then taken = math.min(count, tonumber(value)) end
  if taken == 0 then return 0, value end
  redis.call('HINCRBY', values, name, text_of(-taken))
  return taken, changed_by(values, name, value, -taken)
end

-- All presses without keys on one counter: first what adds, then what takes away, then resets.
local function press_group(values, changed, name, increments, decrements, resets)
  local added, high, taken, low = 0, nil, 0, nil
  if increments > 0 then
    added, high = add(values, name, increments)
  else
    high = pressable(values, name)
  end
  if not high then return '-' end
  if decrements > 0 then
    taken, low = take(values, name, high, decrements)
  else
    low = high
  end
  if added > 0 or taken > 0 then changed[name] = low end
  if resets > 0 then
    redis.call('HSET', values, name, '0')
    changed[name] = '0'
  end
  return text_of(added) .. ' ' .. high .. ' ' .. text_of(taken) .. ' ' .. low
end

local function press_one(values, changed, name, verb)
  local done, value
  if verb == 'i' then
    done, value = add(values, name, 1)
    if not done then return 't' end
    if done == 0 then return 'o' end
  else
    value = pressable(values, name)
    if not value then return 't' end
    if verb == 'd' then
      done, value = take(values, name, value, 1)
      if done == 0 then return 'z' end
    else
      redis.call('HSET', values, name, '0')
      value = '0'
    end
  end
  changed[name] = value
  return 'c ' .. value
end

local function press_with_key(values, changed, current, previous, key, name, verb)
  local request, field = verb .. ' ' .. name .. ' ', 'k:' .. key
  local before = redis.call('HGET', current, field) or redis.call('HGET', previous, field)
  if before then
    if string.sub(before, 1, #request) ~= request then return 'r' end
    return string.sub(before, #request + 1)
  end
  local answer = press_one(values, changed, name, verb)
  redis.call('HSET', current, field, request .. answer)
  return answer
end

-- The change as everybody is told it, and the digest after it; empty when nothing was changed.
local function told(changed, epoch, changes, digest)
  local lines = {}
  for name, value in pairs(changed) do lines[#lines + 1] = name .. ' ' .. value .. '\n' end
  if #lines == 0 then return '', digest end
  table.sort(lines)
  local text = table.concat(lines)
  local now_digest = redis.sha1hex(digest .. text)
  return 'c ' .. epoch .. ' ' .. changes .. ' ' .. digest .. ' ' .. now_digest .. '\n' .. text,
         now_digest
end

local function check_press(args)
  bytes_of(args, 1, 1, 256)
  bytes_of(args, 2, 1, 64)
  local epoch = integer(args, 3, 1, INTEGER_MAX)
  local sequence = integer(args, 4, 1, INTEGER_MAX)
  local groups = integer(args, 5, 0, BATCH_MAX)
  local with_keys = (#args - 5 - 4 * groups) / 3
  if with_keys < 0 or with_keys > BATCH_MAX or with_keys ~= math.floor(with_keys) then
    fail('BADARG', 'number of arguments')
  end
  for i = 6, 5 + 4 * groups, 4 do
    name_of(args, i)
    for j = i + 1, i + 3 do integer(args, j, 0, BATCH_MAX) end
  end
  for i = 6 + 4 * groups, #args, 3 do
    bytes_of(args, i, 1, KEY_BYTES_MAX)
    name_of(args, i + 1)
    if not string.find(args[i + 2], '^[idr]$') then fail('BADARG', 'argument ' .. i + 2) end
  end
  return epoch, sequence, groups
end

-- What a batch was answered that is asked about again; nothing when it is a new one.
local function answered(state, before, sequence, changes)
  local last = tonumber(string.match(before, '^%d+'))
  if last > sequence then fail('STALE', 'a later batch was pressed before') end
  if last < sequence then return nil end
  -- So that a WAIT or an AOF sync after the call covers what the repeat refers to.
  redis.call('HINCRBY', state, 'beat', '1')
  local size, rest = string.match(before, '^%d+ %d+ (%d+)\n(.*)$')
  return {string.sub(rest, 1, tonumber(size)), string.sub(rest, tonumber(size) + 1), changes}
end

local function press(keys, args)
  local prefix = prefix_of(keys)
  local epoch, sequence, groups = check_press(args)
  local state, values, batch = keys[1], prefix .. 'values', 'b:' .. args[2]
  local found = redis.call('HMGET', state, 'epoch', 'changes', 'digest', batch, 'generation',
                           'turned_ms')
  if not found[1] then fail('EMPTY', 'there is no ledger') end
  if tonumber(found[1]) ~= epoch then fail('EPOCH', 'the ledger was made again') end
  local changes, digest, before = found[2], found[3], found[4]
  local repeated = before and answered(state, before, sequence, changes)
  if repeated then return repeated end
  local generation, with_keys = tonumber(found[5]), 6 + 4 * groups
  if #args >= with_keys or not before then
    generation = turn(prefix, state, generation, tonumber(found[6]))
  end
  local answers, changed = {}, {}
  for i = 6, with_keys - 1, 4 do
    answers[#answers + 1] = press_group(values, changed, args[i], tonumber(args[i + 1]),
                                        tonumber(args[i + 2]), tonumber(args[i + 3]))
  end
  if #args >= with_keys then
    local current, previous = names_of(prefix, generation)
    for i = with_keys, #args, 3 do
      answers[#answers + 1] = press_with_key(values, changed, current, previous, args[i],
                                             args[i + 1], args[i + 2])
    end
  end
  local text = table.concat(answers, '\n')
  local now_changes = text_of(tonumber(changes) + 1)
  local message, now_digest = told(changed, found[1], now_changes, digest)
  local reply = text_of(sequence) .. ' ' .. text_of(generation) .. ' ' .. #text .. '\n' .. text ..
                message
  if message == '' then
    redis.call('HSET', state, batch, reply)
    return {text, message, changes}
  end
  redis.call('HSET', state, 'changes', now_changes, 'digest', now_digest, batch, reply)
  redis.call('PUBLISH', args[1], message)
  return {text, message, now_changes}
end

-- Looking --------------------------------------------------------------------------------------

local function look(keys)
  prefix_of(keys)
  require_ledger(keys[1])
  return redis.call('HMGET', keys[1], 'epoch', 'changes', 'digest')
end

local function load(keys)
  local prefix = prefix_of(keys)
  require_ledger(keys[1])
  local found = redis.call('HMGET', keys[1], 'epoch', 'changes', 'digest')
  for _, text in ipairs(redis.call('HGETALL', prefix .. 'values')) do found[#found + 1] = text end
  return found
end

-- Making a ledger ------------------------------------------------------------------------------

-- "I know a ledger of this epoch and so many changes; is there none, and is it my turn to make it?"
local function offer(keys, args)
  local prefix = prefix_of(keys)
  local candidate = bytes_of(args, 1, 1, 64)
  local epoch = integer(args, 2, 0, INTEGER_MAX)
  local changes = integer(args, 3, 0, INTEGER_MAX)
  local wait_ms = integer(args, 4, 1, KEYS_KEEP_MS)
  if redis.call('EXISTS', keys[1]) == 1 then return 'exists' end
  local offers, now = prefix .. 'offers', now_ms()
  local found = redis.call('HMGET', offers, 'until_ms', 'best', 'epoch', 'changes')
  local until_ms = tonumber(found[1])
  if not until_ms or now > until_ms + 3 * wait_ms then
    redis.call('DEL', offers)
    redis.call('HSET', offers, 'until_ms', text_of(now + wait_ms), 'best', candidate, 'epoch',
               text_of(epoch), 'changes', text_of(changes))
    redis.call('PEXPIRE', offers, text_of(10 * wait_ms))
    return 'wait'
  end
  local best = found[2]
  local best_epoch = tonumber(found[3])
  if epoch > best_epoch or (epoch == best_epoch and changes > tonumber(found[4])) then
    best = candidate
    redis.call('HSET', offers, 'best', candidate, 'epoch', text_of(epoch), 'changes',
               text_of(changes))
  end
  if now >= until_ms and best == candidate then return 'make' end
  return 'wait'
end

local function make(keys, args)
  local prefix = prefix_of(keys)
  local candidate = bytes_of(args, 1, 1, 64)
  local epoch = integer(args, 2, 1, INTEGER_MAX)
  local changes = integer(args, 3, 0, INTEGER_MAX)
  local digest = digest_of(args, 4)
  if #args % 2 ~= 0 or #args > 4 + 2 * COUNTERS_MAX then fail('BADARG', 'number of arguments') end
  for i = 5, #args, 2 do
    name_of(args, i)
    value_of(args, i + 1)
  end
  if redis.call('EXISTS', keys[1]) == 1 then return 'exists' end
  if redis.call('HGET', prefix .. 'offers', 'best') ~= candidate then return 'wait' end
  redis.call('DEL', prefix .. 'values', prefix .. 'offers')
  for i = 5, #args, 2 do redis.call('HSET', prefix .. 'values', args[i], args[i + 1]) end
  redis.call('HSET', keys[1], 'epoch', text_of(epoch), 'changes', text_of(changes), 'digest',
             digest, 'beat', '0', 'generation', '1', 'turned_ms', text_of(now_ms()))
  return 'made'
end

redis.register_function('pc2_press', press)
redis.register_function{function_name = 'pc2_look', callback = look, flags = {'no-writes'}}
redis.register_function{function_name = 'pc2_load', callback = load, flags = {'no-writes'}}
redis.register_function('pc2_offer', offer)
redis.register_function('pc2_make', make)
