-- Continues pixel_battle.lua: what operators turn while people draw. The rules, changed by an
-- operator's word or by the settings of a backend that starts, and the bans.

local BANS_MAX = 65536

-- Returns their version.
local function change_rules(prefix, channel, before, cooldown_ms, charges_max, frozen)
  local version = before.rules_version + 1
  redis.call('HSET', prefix .. 'state', 'cooldown_ms', text_of(cooldown_ms),
             'charges_max', text_of(charges_max), 'frozen', text_of(frozen),
             'rules_version', text_of(version), 'buckets_keep_ms',
             text_of(math.max(before.buckets_keep_ms, cooldown_ms * charges_max)))
  redis.call('PUBLISH', channel,
             'k' .. struct.pack('<I4I4BI8', cooldown_ms, charges_max, frozen, version))
  return version
end

local function rules(keys, args)
  local prefix = prefix_of(keys, args, 4)
  local channel = bytes_of(args, 1, 1, 256)
  local before = state_of(prefix)
  for i, name in ipairs({'cooldown_ms', 'charges_max', 'frozen'}) do
    if args[i + 1] == '=' then args[i + 1] = text_of(before[name]) end
  end
  local cooldown_ms, charges_max, frozen = rules_of(args, 2)
  return {change_rules(prefix, channel, before, cooldown_ms, charges_max, frozen)}
end

-- The settings of a backend that starts: only what they say otherwise than those of the last one
-- did is new; the rest an operator may have turned since.
local function settings(keys, args)
  local prefix = prefix_of(keys, args, 4)
  local channel = bytes_of(args, 1, 1, 256)
  local wanted = {rules_of(args, 2)}
  local before = state_of(prefix)
  local said = redis.call('HGET', prefix .. 'state', 'settings') or ''
  local text = settings_text(unpack(wanted))
  if said == text then return {before.rules_version} end
  local last = {string.match(said, '^(%d+) (%d+) (%d+)$')}
  local present, changed = {before.cooldown_ms, before.charges_max, before.frozen}, false
  for i = 1, 3 do
    if tonumber(last[i]) == wanted[i] then wanted[i] = present[i] end
    changed = changed or wanted[i] ~= present[i]
  end
  redis.call('HSET', prefix .. 'state', 'settings', text)
  if not changed then return {before.rules_version} end
  return {change_rules(prefix, channel, before, unpack(wanted))}
end

local function ban(keys, args)
  local prefix = prefix_of(keys, args, 2)
  local person, banned = person_of(args, 1), integer(args, 2, 0, 1)
  state_of(prefix)
  local key = prefix .. 'bans'
  if banned == 0 then return {redis.call('SREM', key, person)} end
  if redis.call('SCARD', key) >= BANS_MAX and redis.call('SISMEMBER', key, person) == 0 then
    fail('FULL', 'there are ' .. BANS_MAX .. ' bans')
  end
  return {redis.call('SADD', key, person)}
end

local function bans(keys, args)
  local prefix = prefix_of(keys, args, 0)
  state_of(prefix)
  local people = redis.call('SMEMBERS', prefix .. 'bans')
  for i = 1, #people do people[i] = struct.unpack('<i8', people[i]) end
  table.sort(people)
  for i = 1, #people do people[i] = text_of(people[i]) end
  return people
end

register('pb1_rules', rules)
register('pb1_settings', settings)
register('pb1_ban', ban)
register('pb1_bans', bans, 'no-writes')
