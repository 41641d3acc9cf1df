-- Continues pixel_battle_knobs.lua: what happens when history is lost. The end of an epoch, and a
-- wiped Redis made again by the newest of several backends.

local RECORDS_MAX = 65536 -- of an adoption

-- Epochs ---------------------------------------------------------------------------------------

-- The digest at `offset`, between the base and the end of a record.
local function digest_inside(record, base, offset)
  local time_bytes, at = string.sub(record, 34, 41), RECORD_BYTES + 1
  local digest = digest_digits(record, 18)
  for n = base + 1, offset do
    digest = string.sub(redis.sha1hex(digest .. struct.pack('<I8', n) .. time_bytes ..
                                      string.sub(record, at + 8, at + 20)), 1, 16)
    at = at + OPERATION_BYTES + string.byte(record, at + 29)
  end
  return digest
end

-- epoch, base, end, digest at the end
local function span_of(record)
  local epoch, base = struct.unpack('<I8I8', record, 2)
  return epoch, base, base + struct.unpack('<I4', record, 42), digest_digits(record, 26)
end

-- The digest that this journal has at a position of its epoch before its own; nil when the log
-- does not reach back that far.
local function digest_at(prefix, epoch, offset)
  local found = redis.call('XRANGE', prefix .. 'log', stream_id(epoch, offset), text_of(epoch),
                           'COUNT', '1')[1]
  if not found then return nil end
  local record = found[2][2]
  local _, base, last, digest = span_of(record)
  if base > offset then return nil end
  if last == offset then return digest end
  return digest_inside(record, base, offset)
end

-- "I have seen this position; does the journal still hold it?"
local function end_epoch(keys, args)
  local prefix = prefix_of(keys, args, 4)
  local channel = bytes_of(args, 1, 1, 256)
  local epoch, offset = integer(args, 2, 1, INTEGER_MAX - 1), integer(args, 3, 0, INTEGER_MAX - 1)
  local digest = digest_of(args, 4)
  local at = state_of(prefix)
  if at.epoch > epoch then return {'other', at.epoch} end
  if at.epoch == epoch and offset <= at.offset then
    local ours = at.digest
    if offset < at.offset then ours = digest_at(prefix, epoch, offset) end
    if not ours then return {'unknown'} end
    if ours == digest then return {'held'} end
  end
  -- Above both, so that the number is new to everyone: a master that was promoted may not even
  -- have heard of the caller's epoch.
  local following = epoch + 1
  local record = beginning(following, at.offset, at.digest, at.time_ms)
  add_record(prefix, following, at.offset, record)
  redis.call('HSET', prefix .. 'state', 'epoch', text_of(following))
  redis.call('PUBLISH', channel, record)
  return {'ended', following}
end

-- Making a lost canvas again -------------------------------------------------------------------

-- The round that is under way: since when, for whom, and since when it is that one's turn.
local function round_of(prefix)
  local f = redis.call('HMGET', prefix .. 'rebuild', 'since_ms', 'candidate', 'epoch', 'offset',
                       'turn_ms', 'late')
  return {
    since_ms = tonumber(f[1] or nil), candidate = f[2], epoch = tonumber(f[3] or nil),
    offset = tonumber(f[4] or nil), turn_ms = tonumber(f[5] or nil), late = f[6],
  }
end

-- Whether the offer replaces the one that leads the round. One that let its turn pass loses to
-- any other, or a newest that cannot adopt would keep the canvas away from everyone.
local function leads(round, candidate, epoch, offset)
  if candidate == round.candidate then return true end
  if round.late == candidate then return false end
  if round.late == round.candidate then return true end
  return epoch > round.epoch or (epoch == round.epoch and offset > round.offset)
end

local function offer(keys, args)
  local prefix = prefix_of(keys, args, 4)
  local candidate = bytes_of(args, 1, 1, 64)
  local epoch, offset = integer(args, 2, 1, INTEGER_MAX - 1), integer(args, 3, 0, INTEGER_MAX - 1)
  local wait_ms = integer(args, 4, 1, 3600000)
  if find_state(prefix) then return {'exists'} end

  local key, now_ms, round = prefix .. 'rebuild', clock_ms(), round_of(prefix)
  local missed = round.turn_ms and now_ms > round.turn_ms + 3 * wait_ms
  if not round.since_ms or missed or now_ms < (round.turn_ms or round.since_ms) then
    -- The first offer, a turn that was let pass, or a clock that was set back: a new round.
    redis.call('DEL', key)
    round = {since_ms = now_ms, late = missed and round.candidate or round.late}
  end
  if not round.candidate or leads(round, candidate, epoch, offset) then
    if round.candidate ~= candidate then round.turn_ms = nil end
    round.candidate, round.epoch, round.offset = candidate, epoch, offset
  end
  local waited = now_ms >= round.since_ms + wait_ms
  if waited and not round.turn_ms then round.turn_ms = now_ms end
  redis.call('HSET', key, 'since_ms', text_of(round.since_ms), 'candidate',
             round.candidate, 'epoch', text_of(round.epoch), 'offset',
             text_of(round.offset), 'turn_ms',
             round.turn_ms and text_of(round.turn_ms) or '', 'late', round.late or '')
  redis.call('PEXPIRE', key, 10 * wait_ms)
  return {waited and round.candidate == candidate and 'adopt' or 'wait'}
end

-- Checks one record of an adoption that follows `before`. Returns where it ends.
local function check_record(record, before, canvas)
  local function need(holds)
    if not holds then fail('BADARG', 'a record') end
  end
  need(#record >= RECORD_BYTES and string.sub(record, 1, 1) == 'r')
  local epoch, base, last, digest = span_of(record)
  local time_ms = struct.unpack('<I8', record, 34)
  need(epoch >= 1 and epoch <= canvas.epoch and last <= canvas.offset and last - base <= BATCH_MAX)
  need(time_ms <= canvas.time_ms)
  if before then
    need(base == before.offset and digest_digits(record, 18) == before.digest)
    need((epoch == before.epoch and last > base) or (epoch > before.epoch and last == base))
  end
  local at = RECORD_BYTES + 1
  for _ = base + 1, last do
    need(#record - at >= OPERATION_BYTES - 1)
    local sequence, name_bytes = struct.unpack('<I8B', record, at + 21)
    need(sequence <= INTEGER_MAX and name_bytes <= NAME_BYTES_MAX)
    at = at + OPERATION_BYTES + name_bytes
  end
  need(at == #record + 1 and digest_inside(record, base, last) == digest)
  return {epoch = epoch, offset = last, digest = digest}
end

-- What one record leaves behind in the buckets and windows, given what earlier ones left. A bucket
-- is reckoned as if everyone had all charges before the first of them.
local function replay(record, canvas, full_at_ms, windows)
  local epoch, base, last = span_of(record)
  local time_ms, at = struct.unpack('<I8', record, 34), RECORD_BYTES + 1
  local cooldown_ms, charges_max = canvas.cooldown_ms, canvas.charges_max
  for offset = base + 1, last do
    local producer = string.sub(record, at, at + 15)
    local person = string.sub(producer, 9)
    local full = math.max(full_at_ms[person] or 0, time_ms) + cooldown_ms
    -- No more than all charges can be missing, whatever the rules were then.
    full = math.min(full, time_ms + cooldown_ms * charges_max)
    full_at_ms[person] = full
    local left, next_ms = charges_at(cooldown_ms, charges_max, full, time_ms)
    local window = windows[producer] or ''
    if #window >= WINDOW_BYTES then window = string.sub(window, ITEM_BYTES + 1) end
    windows[producer] = window .. string.sub(record, at + 21, at + 28) ..
                        struct.pack('<I8I8I4I4I4', epoch, offset, left, next_ms, 0)
    at = at + OPERATION_BYTES + string.byte(record, at + 29)
  end
end

-- The buckets and windows that the records leave behind; what is still there is left alone,
-- because it is true.
local function restore(prefix, canvas, args, first)
  local full_at_ms, windows, now_ms = {}, {}, clock_ms()
  for i = first, #args do replay(args[i], canvas, full_at_ms, windows) end
  local state = state_of(prefix)
  local buckets_key = prefix .. 'buckets:' .. state.buckets_generation
  for person, full in pairs(full_at_ms) do
    if full > now_ms then
      redis.call('HSETNX', buckets_key, person, struct.pack('<I8', full))
    end
  end
  local windows_key = prefix .. 'windows:' .. state.windows_generation
  for producer, window in pairs(windows) do
    redis.call('HSETNX', windows_key, producer, window)
  end
end

local function adopt(keys, args)
  local prefix = prefix_of(keys, args, 13, 13 + RECORDS_MAX)
  local channel, candidate = bytes_of(args, 1, 1, 256), bytes_of(args, 2, 1, 64)
  local canvas = {
    width = integer(args, 3, 1, SIDE_MAX), height = integer(args, 4, 1, SIDE_MAX),
    rules_version = integer(args, 8, 0, INTEGER_MAX - 1),
    time_ms = integer(args, 9, 0, TIME_MAX), epoch = integer(args, 10, 1, INTEGER_MAX - 2),
    offset = integer(args, 11, 0, INTEGER_MAX - 1), digest = digest_of(args, 12),
  }
  canvas.cooldown_ms, canvas.charges_max, canvas.frozen = rules_of(args, 5)
  canvas.board = bytes_of(args, 13, canvas.width * canvas.height, canvas.width * canvas.height)
  local last
  for i = 14, #args do last = check_record(args[i], last, canvas) end
  if last and (last.offset ~= canvas.offset or last.digest ~= canvas.digest) then
    fail('BADARG', 'the records do not end at the position')
  end

  if find_state(prefix) then return {'exists'} end
  local round = round_of(prefix)
  if not round.turn_ms or round.candidate ~= candidate or round.epoch ~= canvas.epoch or
     round.offset ~= canvas.offset then
    return {'wait'}
  end
  canvas.epoch = canvas.epoch + 1
  local epoch = make_canvas(prefix, canvas)
  for i = 14, #args do
    local of_epoch, _, ends = span_of(args[i])
    add_record(prefix, of_epoch, ends, args[i])
  end
  restore(prefix, canvas, args, 14)
  local record = beginning(epoch, canvas.offset, canvas.digest, canvas.time_ms)
  add_record(prefix, epoch, canvas.offset, record)
  redis.call('PUBLISH', channel, record)
  return {'adopted', epoch}
end

register('pb1_end_epoch', end_epoch)
register('pb1_offer', offer)
register('pb1_adopt', adopt)
