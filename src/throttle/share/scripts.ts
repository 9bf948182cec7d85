import type { Script } from '../../redis/client.ts';

/** The keys, all in one slot of a cluster; the number is that of their layout. */
const PREFIX = '{postern-throttle}:1:';

/** What the nodes agree on; it stands outside of the layout, so that another layout is noticed. */
const SETUP_KEY = '{postern-throttle}:setup';

export const STREAM = `${PREFIX}stream`;
export const BLOCKS = `${PREFIX}blocks`;
export const SITES = `${PREFIX}sites`;
export const EXEMPTIONS = `${PREFIX}exemptions`;

/** Layout of keys and entries. */
export const LAYOUT = 1;

/** The keys of {@link TELL}. @param life  of the node */
export function tellKeys(life: string): string[] {
  const more = ['ends', `number:${life}`, 'nodes', 'written'].map((name) => PREFIX + name);
  const [ends = '', number = '', nodes = '', written = ''] = more;
  return [STREAM, BLOCKS, ends, SITES, EXEMPTIONS, number, nodes, written, SETUP_KEY];
}

/**
 * Take one batch of a node, once: `number` is the batch, `after` the one that came before it and must be here.
 *
 * Counts go into the stream as they are. Operations, three values each, are taken or not: a block (b) unless one holds or
 * this one was lifted, a block by hand (m) always, a lift (x) unless the block is later, a site (s) or exemption (e) when its
 * change is the latest. Those that are taken go into the stream as well, so all nodes see them in one order.
 *
 * Answers with what became of it, the time in milliseconds, how many nodes there are, the last batch of this node that
 * is here, and whether the stream had to be cut for its size; for batch 0, which only asks, with the last entry of the
 * stream in its place.
 */
export const TELL: Script = {
  name: 'posternThrottleTell',
  lua: `
local life, number, after = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local keep, most, setup, counts = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6], ARGV[7]
local function whole(value) return string.format('%.0f', value) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local agreed = redis.call('GET', KEYS[9])
if agreed and agreed ~= setup then return {'other', whole(now), 0, 0, agreed} end
redis.call('SET', KEYS[9], setup, 'PX', 60000)
redis.call('ZADD', KEYS[7], whole(now), life)
redis.call('ZREMRANGEBYSCORE', KEYS[7], '-inf', whole(now - 15000))
local nodes = redis.call('ZCARD', KEYS[7])
local last = tonumber(redis.call('GET', KEYS[6]) or '0') or 0
redis.call('PEXPIRE', KEYS[6], 86400000)
if number == 0 then
  local entry = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  return {'here', whole(now), nodes, last, entry and entry[1] or '0-0'}
end
if number <= last then return {'had', whole(now), nodes, last, ''} end
if last < after then return {'behind', whole(now), nodes, last, ''} end

local over = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', whole(now), 'LIMIT', 0, 500)
if #over > 0 then
  redis.call('HDEL', KEYS[2], unpack(over))
  redis.call('ZREM', KEYS[3], unpack(over))
end

local function newer(key, field, value)
  local old = string.match(redis.call('HGET', key, field) or '', '^(%d+) ')
  if old and tonumber(old) >= tonumber(string.match(value, '^%d+')) then return false end
  redis.call('HSET', key, field, value)
  return true
end
local function decides(op, field, value)
  local began, ends = string.match(value, '^(%d+) (%d+)')
  local kind, start, stop = string.match(redis.call('HGET', KEYS[2], field) or '', '^(%a) (%d+) (%d+)')
  local holds = kind and tonumber(stop) > now
  if op == 'b' then
    if tonumber(ends) <= now then return false end
    if holds and not (kind == 'x' and tonumber(start) < tonumber(began)) then return false end
  elseif op == 'x' and holds and tonumber(start) > tonumber(began) then
    return false
  end
  redis.call('HSET', KEYS[2], field, op .. ' ' .. value)
  redis.call('ZADD', KEYS[3], ends, field)
  return true
end
local taken = {}
for at = 8, #ARGV, 3 do
  local op, field, value = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local took
  if op == 's' then took = newer(KEYS[4], field, value)
  elseif op == 'e' then took = newer(KEYS[5], field, value)
  else took = decides(op, field, value) end
  if took then taken[#taken + 1] = op .. '\\t' .. field .. '\\t' .. value end
end

local cut = ''
if counts ~= '' or #taken > 0 then
  local told = table.concat(taken, '\\n')
  local written = redis.call('INCRBY', KEYS[8], #counts + #told + 100)
  redis.call('XADD', KEYS[1], '*', 'life', life, 'number', number, 'counts', counts, 'told', told, 'written', whole(written))
  redis.call('XTRIM', KEYS[1], 'MINID', '~', whole(now - keep))
  local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  local before = first and tonumber(first[2][10] or '') or written
  if written - before > most then
    redis.call('XTRIM', KEYS[1], 'MAXLEN', math.floor(redis.call('XLEN', KEYS[1]) * 3 / 4))
    cut = 'cut'
  end
end
redis.call('SET', KEYS[6], number, 'PX', 86400000)
return {'took', whole(now), nodes, number, cut}`,
};

/** Entries of the stream behind one, so many at most; of one that is too large (in bytes) or strange only the id. */
export const HEAR: Script = {
  name: 'posternThrottleHear',
  lua: `
local most, sum, heard = tonumber(ARGV[3]), 0, {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])) do
  local size = 0
  for _, part in ipairs(entry[2]) do size = size + #part end
  if size > most or #entry[2] ~= 10 then
    heard[#heard + 1] = {entry[1]}
  else
    sum = sum + size
    if sum > most then break end
    local f = entry[2]
    heard[#heard + 1] = {entry[1], f[2], f[4], f[6], f[8]}
  end
end
return heard`,
};

/** A part of a hash: where to go on, names and values, and how many were too large (in bytes) to be given out. */
export const SCAN: Script = {
  name: 'posternThrottleScan',
  lua: `
local found = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', 200)
local pairs, strange = {}, 0
for at = 1, #found[2], 2 do
  local name, value = found[2][at], found[2][at + 1]
  if #name + #value > tonumber(ARGV[2]) then strange = strange + 1
  else
    pairs[#pairs + 1] = name
    pairs[#pairs + 1] = value
  end
end
return {found[1], pairs, strange}`,
};
