#!lua name=pixel_battle_v1
-- Pixel Battle's hot journal as a Redis Function library: appending, opening, reading. The build
-- joins pixel_battle_knobs.lua and pixel_battle_epochs.lua behind it. docs/redis.md specifies the
-- keys, the bytes and the functions; decisions equal those of src/journal/embedded/batch.cpp.
--
-- Rules of these files: arguments and keys are checked before the first write, because an error
-- does not undo what a function has written; nothing is kept between calls; 64-bit numbers that
-- may exceed 2^53 (producers, digests) stay bytes or hexadecimal digits. Redis's own conversion
-- of a number to text is slow or, for large ones in some versions, "1e+15": format() is used.

local INTEGER_MAX = 9007199254740991 -- 2^53 - 1
local U32_MAX = 4294967295
local TIME_MAX = 99999999999999 -- the year 5138
local BATCH_MAX = 4096      -- operations
local NAME_BYTES_MAX = 64
local SIDE_MAX = 4096
local CHARGES_MAX = 65535   -- what the WebSocket protocol can say
local WINDOWS_KEEP_MS = 86400000
local BUCKETS_KEEP_MS = 600000 -- at least
local UNPACK_MAX = 6000     -- even; below what Lua's stack takes, above BATCH_MAX

local OPERATION_BYTES = 30
local RECORD_BYTES = 45
local ITEM_BYTES = 36       -- of a window: a sequence, and its answer without the status
local WINDOW_BYTES = 8 * ITEM_BYTES
local NO_POSITION = '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'

-- Arguments ------------------------------------------------------------------------------------

local function fail(code, why)
  error(redis.error_reply(code .. ' ' .. why))
end

local function integer(args, i, low, high)
  local text = args[i]
  local value = #text <= 16 and string.find(text, '^%d+$') and tonumber(text)
  if not value or value < low or value > high then fail('BADARG', 'argument ' .. i) end
  return value
end

local function bytes_of(args, i, low, high)
  local text = args[i]
  if #text < low or #text > high then fail('BADARG', 'argument ' .. i) end
  return text
end

local function digest_of(args, i)
  local text = args[i]
  if #text ~= 16 or not string.find(text, '^[0-9a-f]+$') then fail('BADARG', 'argument ' .. i) end
  return text
end

-- The prefix of all keys. There are `least` arguments, or as many as `most`.
local function prefix_of(keys, args, least, most)
  if #keys ~= 1 or string.sub(keys[1], -6) ~= ':state' then fail('BADARG', 'the key') end
  if #args < least or #args > (most or least) then fail('BADARG', 'number of arguments') end
  return string.sub(keys[1], 1, -6)
end

-- A person in decimal, as the 8 bytes that fields hold.
local function person_of(args, i)
  local text = args[i]
  local person = #text <= 17 and string.find(text, '^%-?%d+$') and tonumber(text)
  if not person or math.abs(person) > INTEGER_MAX then fail('BADARG', 'argument ' .. i) end
  return struct.pack('<i8', person)
end

-- cooldown_ms, charges_max, frozen from argument `i` on.
local function rules_of(args, i)
  return integer(args, i, 0, U32_MAX), integer(args, i + 1, 1, CHARGES_MAX),
         integer(args, i + 2, 0, 1)
end

local function text_of(number)
  return string.format('%.0f', number)
end

-- Bytes ----------------------------------------------------------------------------------------

-- The 8 bytes of a digest from its 16 digits, and back.
local function digest_bytes(digits)
  local high, low = string.sub(digits, 1, 8), string.sub(digits, 9)
  return struct.pack('<I4I4', tonumber(low, 16), tonumber(high, 16))
end

local function digest_digits(bytes, at)
  local low, high = struct.unpack('<I4I4', bytes, at)
  return string.format('%08x%08x', high, low)
end

local function record_head(epoch, base, base_digest, digest, time_ms, count)
  return struct.pack('<c1I8I8', 'r', epoch, base) .. digest_bytes(base_digest) ..
         digest_bytes(digest) .. struct.pack('<I8I4', time_ms, count)
end

-- A record that says: `epoch` begins here.
local function beginning(epoch, base, digest, time_ms)
  return record_head(epoch, base, digest, digest, time_ms, 0)
end

local function stream_id(epoch, offset)
  return text_of(epoch) .. '-' .. text_of(offset)
end

local function add_record(prefix, epoch, last, record)
  redis.call('XADD', prefix .. 'log', stream_id(epoch, last), 'r', record)
end

-- State ----------------------------------------------------------------------------------------

local FIELDS = {
  'epoch', 'offset', 'time_ms', 'width', 'height', 'cooldown_ms', 'charges_max', 'frozen',
  'rules_version', 'windows_generation', 'windows_turn_ms', 'buckets_generation',
  'buckets_turn_ms', 'buckets_keep_ms', 'digest',
}

local function clock_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- nil when there is no canvas: no state, or no board that belongs to it (evicted, say).
local function find_state(prefix)
  local values = redis.call('HMGET', prefix .. 'state', unpack(FIELDS))
  local state = {digest = values[#FIELDS]}
  if not state.digest then return nil end
  for i = 1, #FIELDS - 1 do
    local value = tonumber(values[i])
    if not value then return nil end
    state[FIELDS[i]] = value
  end
  if redis.call('STRLEN', prefix .. 'board') ~= state.width * state.height then return nil end
  return state
end

-- With `now_ms`: the clock, never behind the last entry.
local function state_of(prefix)
  local state = find_state(prefix)
  if not state then fail('EMPTY', 'no canvas here') end
  state.now_ms = math.max(clock_ms(), state.time_ms)
  return state
end

-- What pb1_state and pb1_open say. Only a master may: a replica lags and cannot be written to.
local function description(state)
  local info = redis.call('INFO', 'replication')
  if string.find(info, 'role:slave', 1, true) then fail('READONLY', 'this is a replica') end
  return {
    state.epoch, state.offset, state.digest, state.width, state.height, state.cooldown_ms,
    state.charges_max, state.frozen, state.rules_version, state.now_ms,
    string.match(info, 'master_replid:(%x+)') or '',
  }
end

-- As the field `settings` keeps them.
local function settings_text(cooldown_ms, charges_max, frozen)
  return string.format('%.0f %.0f %.0f', cooldown_ms, charges_max, frozen)
end

-- Writes a canvas where there is none. What is left of one that lost its board is removed, but for
-- its windows, buckets and bans, which are true. Returns the epoch: the wanted one, or a later one
-- when the remains were already there.
local function make_canvas(prefix, canvas)
  local key = prefix .. 'state'
  local remains = redis.call('HMGET', key, 'epoch', 'windows_generation', 'windows_turn_ms',
                             'buckets_generation', 'buckets_turn_ms', 'buckets_keep_ms')
  local epoch = math.max(canvas.epoch, tonumber(remains[1] or 0) + 1)
  local keep_ms = math.max(tonumber(remains[6] or 0), canvas.cooldown_ms * canvas.charges_max)
  redis.call('DEL', key, prefix .. 'board', prefix .. 'log', prefix .. 'rebuild')
  redis.call('SET', prefix .. 'board', canvas.board)
  redis.call(
    'HSET', key, 'epoch', text_of(epoch), 'offset', text_of(canvas.offset),
    'digest', canvas.digest, 'time_ms', text_of(canvas.time_ms), 'width', text_of(canvas.width),
    'height', text_of(canvas.height), 'cooldown_ms', text_of(canvas.cooldown_ms),
    'charges_max', text_of(canvas.charges_max), 'frozen', text_of(canvas.frozen),
    'rules_version', text_of(canvas.rules_version), 'beat', '0', 'settings',
    settings_text(canvas.cooldown_ms, canvas.charges_max, canvas.frozen),
    'windows_generation', remains[2] or '1', 'windows_turn_ms', remains[3] or '0',
    'buckets_generation', remains[4] or '1', 'buckets_turn_ms', remains[5] or '0',
    'buckets_keep_ms', text_of(keep_ms))
  return epoch
end

-- Windows and buckets --------------------------------------------------------------------------

-- Both lie in two hashes each: the generation that is being filled and the one before it, which
-- goes as a whole once nothing in it is needed any more. A key with an expiry for each of them
-- would cost a batch several times as much.

-- The hashes to read, as of now: the one being filled (it may not be there yet), the one before.
local function shelf_of(prefix, state, name)
  local generation = state[name .. '_generation']
  if state.now_ms >= state[name .. '_turn_ms'] then generation = generation + 1 end
  return {name = name, generation = generation, newer = prefix .. name .. ':' .. generation,
          older = prefix .. name .. ':' .. generation - 1}
end

-- Begins a new generation if it is time; whatever is written into it is there for at least
-- `keep_ms`, because the next one lasts that long. Returns whether it did.
local function turn(prefix, state, shelf, keep_ms)
  local field = shelf.name .. '_generation'
  if shelf.generation == state[field] then return false end
  redis.call('HSET', prefix .. 'state', field, text_of(shelf.generation), shelf.name .. '_turn_ms',
             text_of(state.now_ms + keep_ms))
  redis.call('UNLINK', prefix .. shelf.name .. ':' .. shelf.generation - 2)
  return true
end

-- The values of all fields, in order; false where there is none.
local function look_up(shelf, fields)
  local values = redis.call('HMGET', shelf.newer, unpack(fields))
  local missing, missing_count = {}, 0
  for i = 1, #fields do
    if not values[i] then
      missing_count = missing_count + 1
      missing[missing_count] = i
    end
  end
  if missing_count == 0 or redis.call('EXISTS', shelf.older) == 0 then return values end
  local wanted = {}
  for i = 1, missing_count do wanted[i] = fields[missing[i]] end
  local older = redis.call('HMGET', shelf.older, unpack(wanted))
  for i = 1, missing_count do values[missing[i]] = older[i] end
  return values
end

-- Writes arguments[1..count], which are field, value, field, value …
local function put_all(shelf, arguments, count)
  for first = 1, count, UNPACK_MAX do
    local last = math.min(first + UNPACK_MAX - 1, count)
    redis.call('HSET', shelf.newer, unpack(arguments, first, last))
  end
end

-- The answer to `sequence` without its status; nil: forgotten.
local function remembered(window, sequence)
  for at = #window - ITEM_BYTES + 1, 1, -ITEM_BYTES do
    if struct.unpack('<I8', window, at) == sequence then
      return string.sub(window, at + 8, at + ITEM_BYTES - 1)
    end
  end
end

-- left and next_charge_ms, as src/canvas/cooldown.hpp.
local function charges_at(cooldown_ms, charges_max, full_at_ms, now_ms)
  if cooldown_ms == 0 or full_at_ms <= now_ms then return charges_max, 0 end
  local missing_ms = full_at_ms - now_ms
  local missing = math.floor((missing_ms + cooldown_ms - 1) / cooldown_ms)
  local next_ms = missing_ms - cooldown_ms * (missing - 1)
  if missing <= charges_max then return charges_max - missing, next_ms end
  -- More may be missing than can be held, after the operator lowered charges_max.
  return 0, math.min(next_ms + cooldown_ms * (missing - charges_max), U32_MAX)
end

-- Appending ------------------------------------------------------------------------------------

-- The operations, checked, as parallel arrays: a table for each would cost more than the rest of
-- its decoding. `producers` and `people` are the fields of their windows and buckets; people are
-- left out where nobody asks for them.
local function decode_operations(bytes, state, with_people)
  local starts, producers, people, sequences, pixels = {}, {}, {}, {}, {}
  local byte, sub, width, height = string.byte, string.sub, state.width, state.height
  local n, at, size = 0, 1, #bytes
  while at <= size do
    if size - at < OPERATION_BYTES - 1 then fail('BADARG', 'an operation is cut off') end
    if n == BATCH_MAX then fail('BADARG', 'too many operations') end
    local x0, x1, y0, y1, _, s0, s1, s2, s3, s4, s5, s6, s7, name_bytes =
      byte(bytes, at + 16, at + 29)
    if s7 > 0 or s6 > 31 then fail('BADARG', 'sequence') end
    if name_bytes > NAME_BYTES_MAX then fail('BADARG', 'name') end
    local sequence = s0 + s1 * 256 + s2 * 65536 + s3 * 16777216
    if s4 + s5 + s6 > 0 then
      sequence = sequence + (s4 + s5 * 256 + s6 * 65536) * 4294967296
    end
    local x, y = x0 + x1 * 256, y0 + y1 * 256
    n = n + 1
    starts[n], sequences[n] = at, sequence
    pixels[n] = x < width and y < height and y * width + x
    producers[n] = sub(bytes, at, at + 15)
    if with_people then people[n] = sub(bytes, at + 8, at + 15) end
    at = at + OPERATION_BYTES + name_bytes
  end
  if at ~= size + 1 then fail('BADARG', 'a name is cut off') end
  return {bytes = bytes, starts = starts, producers = producers, people = people,
          sequences = sequences, pixels = pixels}
end

-- Decides the operations in order; nothing is written yet. `windows` and `buckets` hold what was
-- found for each operation; `banned` holds 1 for those of banned people, if there are any. Returns
-- the answers and `done`: what is to be written.
local function decide(state, ops, windows, buckets, banned)
  local pack, unpack_bytes, sub, sha1hex = struct.pack, struct.unpack, string.sub, redis.sha1hex
  local bytes, starts, sequences, pixels = ops.bytes, ops.starts, ops.sequences, ops.pixels
  local producers, people, epoch_bytes = ops.producers, ops.people, pack('<I8', state.epoch)
  local cooldown_ms, charges_max, now_ms = state.cooldown_ms, state.charges_max, state.now_ms
  local offset, digest, time_bytes = state.offset, state.digest, pack('<I8', now_ms)
  local answers, n, parts, run = {}, 0, {''}, nil -- `run`: where accepted ones without a gap begin
  local accepted, count, written, slots, full_at_ms = {}, 0, {}, {}, {}
  local left, next_ms, full, tails = charges_max, 0, 0, {}

  for i = 1, #starts do
    local producer, sequence, at = producers[i], sequences[i], starts[i]
    local slot = slots[producer]
    local window = slot and written[slot] or windows[i]
    local newest = window and unpack_bytes('<I8', window, #window - ITEM_BYTES + 1) or 0
    local first = sequence <= newest and window and remembered(window, sequence)
    if cooldown_ms > 0 then
      local bucket = buckets[i]
      full = full_at_ms[people[i]] or bucket and unpack_bytes('<I8', bucket) or 0
      left, next_ms = charges_max, 0
      if full > now_ms then
        left, next_ms = charges_at(cooldown_ms, charges_max, full, now_ms)
      end
    end
    local refusal = sequence <= newest and '\6' or banned and banned[i] == 1 and '\9' or
                    state.frozen == 1 and '\2' or not pixels[i] and '\3' or left == 0 and '\1'
    if first or refusal then
      n = n + 1
      answers[n] = first and '\0' .. first or refusal .. NO_POSITION ..
                   pack('<I4I4I4', left, next_ms, refusal == '\1' and next_ms or 0)
      if run then parts[#parts + 1] = sub(bytes, run, at - 1) end
      run = nil
    else
      run = run or at
      offset, count = offset + 1, count + 1
      accepted[count] = i
      local offset_bytes = pack('<I8', offset)
      digest = sub(sha1hex(digest .. offset_bytes .. time_bytes .. sub(bytes, at + 8, at + 20)),
                   1, 16)
      if cooldown_ms > 0 then
        full = (full > now_ms and full or now_ms) + cooldown_ms
        full_at_ms[people[i]] = full
        left, next_ms = charges_at(cooldown_ms, charges_max, full, now_ms)
      end
      -- Most have the same charges; left is below 2^16, so both fit in a number.
      local tail = tails[left * 4294967296 + next_ms]
      if not tail then
        tail = pack('<I4I4I4', left, next_ms, 0)
        tails[left * 4294967296 + next_ms] = tail
      end
      local answer = epoch_bytes .. offset_bytes .. tail
      answers[n + 1], answers[n + 2] = '\0', answer
      n = n + 2
      if not slot then
        slot = #written + 2
        slots[producer], written[slot - 1] = slot, producer
      end
      if window and #window >= WINDOW_BYTES then
        window = sub(window, #window - WINDOW_BYTES + ITEM_BYTES + 1)
      end
      written[slot] = (window or '') .. sub(bytes, at + 21, at + 28) .. answer
    end
  end
  if run then parts[#parts + 1] = run == 1 and bytes or sub(bytes, run) end
  return table.concat(answers), {
    accepted = accepted, offset = offset, digest = digest, parts = parts, windows = written,
    full_at_ms = full_at_ms,
  }
end

local function put_pixels(prefix, ops, accepted)
  local call, format, sub = redis.call, string.format, string.sub
  local board, bytes, pixels, starts = prefix .. 'board', ops.bytes, ops.pixels, ops.starts
  for i = 1, #accepted do
    local operation = accepted[i]
    local color_at = starts[operation] + 20
    call('SETRANGE', board, format('%d', pixels[operation]), sub(bytes, color_at, color_at))
  end
end

local function put_buckets(prefix, state, shelf, full_at_ms)
  local longest_ms = state.cooldown_ms * state.charges_max
  local keep_ms = math.max(longest_ms, state.buckets_keep_ms, BUCKETS_KEEP_MS)
  if turn(prefix, state, shelf, keep_ms) then
    redis.call('HSET', prefix .. 'state', 'buckets_keep_ms', text_of(longest_ms))
  end
  local arguments, count, encoded = {}, 0, {}
  for person, full in pairs(full_at_ms) do
    local value = encoded[full] or struct.pack('<I8', full)
    encoded[full] = value
    arguments[count + 1], arguments[count + 2] = person, value
    count = count + 2
  end
  put_all(shelf, arguments, count)
end

-- Writes what was accepted; nothing in here depends on arguments any more. The stream comes first:
-- it is the one that could refuse (an id that is not above its last).
local function write(prefix, channel, state, ops, done, shelves)
  done.parts[1] = record_head(state.epoch, state.offset, state.digest, done.digest, state.now_ms,
                              #done.accepted)
  local record = table.concat(done.parts)
  add_record(prefix, state.epoch, done.offset, record)
  redis.call('HSET', prefix .. 'state', 'offset', text_of(done.offset), 'digest', done.digest,
             'time_ms', text_of(state.now_ms))
  put_pixels(prefix, ops, done.accepted)
  turn(prefix, state, shelves.windows, WINDOWS_KEEP_MS)
  put_all(shelves.windows, done.windows, #done.windows)
  if state.cooldown_ms > 0 then put_buckets(prefix, state, shelves.buckets, done.full_at_ms) end
  redis.call('PUBLISH', channel, record)
  return record
end

local function append(keys, args)
  local prefix = prefix_of(keys, args, 2)
  local channel = bytes_of(args, 1, 1, 256)
  local state = state_of(prefix)
  local bans = prefix .. 'bans'
  local banning = redis.call('EXISTS', bans) == 1
  local ops = decode_operations(args[2], state, banning or state.cooldown_ms > 0)
  local shelves = {windows = shelf_of(prefix, state, 'windows'),
                   buckets = shelf_of(prefix, state, 'buckets')}
  local windows, buckets, banned = {}, {}, nil
  if #ops.starts > 0 then
    windows = look_up(shelves.windows, ops.producers)
    if state.cooldown_ms > 0 then buckets = look_up(shelves.buckets, ops.people) end
    if banning then banned = redis.call('SMISMEMBER', bans, unpack(ops.people)) end
  end
  local answers, done = decide(state, ops, windows, buckets, banned)
  local record = ''
  if #done.accepted > 0 then record = write(prefix, channel, state, ops, done, shelves) end
  -- Something is written in any case, so that a WAIT after this call covers what repeats refer to.
  redis.call('HINCRBY', prefix .. 'state', 'beat', 1)
  return {answers, record}
end

local function charges(keys, args)
  local prefix = prefix_of(keys, args, 1)
  local person = person_of(args, 1)
  local state = state_of(prefix)
  local bucket = look_up(shelf_of(prefix, state, 'buckets'), {person})[1]
  return {charges_at(state.cooldown_ms, state.charges_max,
                     bucket and struct.unpack('<I8', bucket) or 0, state.now_ms)}
end

-- Opening, reading, trimming -------------------------------------------------------------------

local function state(keys, args)
  return description(state_of(prefix_of(keys, args, 0)))
end

local function snapshot(keys, args)
  local prefix = prefix_of(keys, args, 0)
  local found = state_of(prefix)
  return {found.epoch, found.offset, found.digest, redis.call('GET', prefix .. 'board')}
end

local function open(keys, args)
  local prefix = prefix_of(keys, args, 9)
  local width, height = integer(args, 1, 1, SIDE_MAX), integer(args, 2, 1, SIDE_MAX)
  local blank = integer(args, 3, 0, 255)
  local cooldown_ms, charges_max, frozen = rules_of(args, 4)
  local epoch, offset = integer(args, 7, 1, INTEGER_MAX - 1), integer(args, 8, 0, INTEGER_MAX - 1)
  local digest = digest_of(args, 9)
  local found = find_state(prefix)
  if found and (found.width ~= width or found.height ~= height) then
    fail('SIZE', string.format('the canvas is %d x %d', found.width, found.height))
  end
  if not found then
    if redis.call('EXISTS', prefix .. 'rebuild') == 1 then
      fail('REBUILD', 'a lost canvas is being made again')
    end
    epoch = make_canvas(prefix, {
      epoch = epoch, offset = offset, digest = digest, time_ms = 0, width = width, height = height,
      cooldown_ms = cooldown_ms, charges_max = charges_max, frozen = frozen, rules_version = 1,
      board = string.rep(string.char(blank), width * height),
    })
    add_record(prefix, epoch, offset, beginning(epoch, offset, digest, 0))
  end
  return description(state_of(prefix))
end

local function trim(keys, args)
  local prefix = prefix_of(keys, args, 2)
  local epoch, offset = integer(args, 1, 1, INTEGER_MAX - 1), integer(args, 2, 0, INTEGER_MAX - 1)
  state_of(prefix)
  return {redis.call('XTRIM', prefix .. 'log', 'MINID', '=', stream_id(epoch, offset + 1))}
end

local function register(name, callback, ...)
  redis.register_function{function_name = name, callback = callback, flags = {...}}
end

register('pb1_state', state, 'no-writes')
register('pb1_snapshot', snapshot, 'no-writes')
register('pb1_charges', charges, 'no-writes')
register('pb1_open', open)
register('pb1_append', append)
register('pb1_trim', trim, 'allow-oom') -- it gives memory back
