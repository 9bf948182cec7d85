import { errorPage } from '../error-page.ts';
import { LUA_STATE } from '../lua/writer.ts';
import { logFormat } from '../nginx/log.ts';
import { OTHER } from '../site.ts';
import { behind, type NginxPlan, realAddress } from './nginx.ts';

/** What nginx needs of the rest to decide by itself. */
export type LuaPlan = NginxPlan & {
  /** Folder in which nginx finds the files. */
  readonly folder: string;
};

const PROGRAM = 'postern-throttle.lua';

const PAGE_SECONDS = 987_654;

/** The error page as a string of Lua, with a place for when to come back. */
function page(because: 'client' | 'site'): string {
  const { body } = errorPage({
    status: 429,
    retryAfter: PAGE_SECONDS,
    site: 'this site',
    accept: undefined,
    because,
  });
  return `[==[${body.replace(/\d+ minutes?/, '@WHEN@')}]==]`;
}

function program({ blocks }: LuaPlan): string {
  return `-- Written by "postern throttle compile nginx --mode lua".
-- Each request is decided before it is served, each response accounted when it is done, in windows of the clock.
local bit = require "bit"
local counts, blocks = ngx.shared.postern_counts, ngx.shared.postern_blocks
local STATE = "${blocks}/${LUA_STATE}"
local PAGES = { client = ${page('client')}, site = ${page('site')} }
-- How often it is looked whether the service wrote anew, and told that something is wrong, in seconds.
local LOOK, TELL = 0.5, 10

local M = {}
local state, version, looked, told = nil, nil, 0, 0

local function tell(what)
    if ngx.now() - told < TELL then return end
    told = ngx.now()
    ngx.log(ngx.ERR, "postern throttle: everybody is served: ", what)
end

local function unhex(text)
    return (text:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

-- The first bits of an address.
local function masked(bytes, bits)
    local whole = math.floor(bits / 8)
    if whole >= #bytes then return bytes end
    local rest = bits - whole * 8
    if rest == 0 then return bytes:sub(1, whole) end
    return bytes:sub(1, whole) .. string.char(bit.band(bytes:byte(whole + 1), bit.band(bit.lshift(255, 8 - rest), 255)))
end

-- An IPv4 address that comes as IPv6 is that IPv4 address.
local MAPPED = string.rep("\\0", 10) .. "\\255\\255"
local function address()
    local bytes = ngx.var.binary_remote_addr
    if #bytes == 16 and bytes:sub(1, 12) == MAPPED then return bytes:sub(13) end
    if #bytes == 16 or #bytes == 4 then return bytes end
end

local function key_of(site, client)
    return site .. "\\0" .. client
end

local function client_of(bytes, bits)
    if #bytes == 4 then return bytes end
    return masked(bytes, bits)
end

local read = {}
function read.site(new, name, requests, bytes, mode, status, most, mostbytes)
    new.sites[name] = {
        name = name, requests = tonumber(requests), bytes = tonumber(bytes), mode = mode, status = tonumber(status),
        most = tonumber(most), mostbytes = tonumber(mostbytes),
    }
end
function read.host(new, host, name) new.hosts[host] = name end
function read.exempt(new, hex, bits, site)
    local bytes = unhex(hex)
    local id = #bytes .. " " .. bits
    local group = new.exempt[id]
    if not group then
        group = { length = #bytes, bits = tonumber(bits), networks = {} }
        new.exempt[id] = group
        table.insert(new.groups, group)
    end
    local network = masked(bytes, group.bits)
    group.networks[network] = group.networks[network] or {}
    group.networks[network][site] = true
end
function read.block(new, site, client, until_ms) table.insert(new.blocks, { site, unhex(client), tonumber(until_ms) }) end
function read.lift(new, site, client, until_ms) table.insert(new.lifts, { site, unhex(client), tonumber(until_ms) }) end

-- Blocks that the service knows hold here, too; those that were lifted do not.
local function take_blocks(new)
    local now = ngx.now() * 1000
    for _, lift in ipairs(new.lifts) do
        local key = key_of(lift[1], client_of(lift[2], new.prefix))
        local held = blocks:get(key)
        if held and held <= lift[3] then blocks:delete(key) end
    end
    for _, block in ipairs(new.blocks) do
        if block[3] > now then
            local key = key_of(block[1], client_of(block[2], new.prefix))
            if blocks:get(key) ~= block[3] then blocks:safe_set(key, block[3], (block[3] - now) / 1000) end
        end
    end
end

local function parse(file)
    local window, block_ms, prefix = (file:read("*l") or ""):match("^postern%-lua\\t(%d+)\\t(%d+)\\t(%d+)$")
    if not window then return nil end
    local new = {
        window = tonumber(window), block_ms = tonumber(block_ms), prefix = tonumber(prefix),
        sites = {}, hosts = {}, exempt = {}, groups = {}, blocks = {}, lifts = {},
    }
    for line in file:lines() do
        if line == "end" then return new.sites["${OTHER}"] and new end
        local fields = {}
        for field in line:gmatch("[^\\t]+") do table.insert(fields, field) end
        local reader = read[fields[1]]
        if not reader then return nil end
        reader(new, unpack(fields, 2))
    end
end

-- What the service wrote, as it is now; a file that is missing or makes no sense changes nothing.
local function current()
    if ngx.now() - looked < LOOK then return state end
    looked = ngx.now()
    local file = io.open(STATE, "r")
    if not file then
        if not state then tell(STATE .. " is not there") end
        return state
    end
    local first = file:read("*l")
    if first ~= version then
        local ok, new = pcall(parse, file)
        if ok and new then
            state, version = new, first
            take_blocks(new)
        else
            tell(STATE .. " makes no sense: " .. tostring(new))
        end
    end
    file:close()
    return state
end

local function is_exempt(known, bytes, site)
    for _, group in ipairs(known.groups) do
        if group.length == #bytes then
            local sites = group.networks[masked(bytes, group.bits)]
            if sites and (sites["*"] or sites[site]) then return true end
        end
    end
    return false
end

-- Whom a request is counted for; nothing when it is for nobody.
local function subject()
    local known = current()
    if not known then return nil end
    local site = known.sites[known.hosts[ngx.var.host or ""] or "${OTHER}"]
    local bytes = address()
    if not bytes or site.mode == "off" or is_exempt(known, bytes, site.name) then return known, nil end
    local key = key_of(site.name, client_of(bytes, known.prefix))
    local window = math.floor(ngx.now() / known.window)
    return known, { site = site, key = key, counted = window .. "\\0" .. key, sum = window .. "\\1" .. site.name }
end

local function add(key, kind, value, known)
    local sum, problem = counts:incr(kind .. key, value, 0, known.window + 1)
    if not sum then error("counting: " .. tostring(problem)) end
    return sum
end

-- Nobody gets in here without having spent a whole quota. What was counted is forgotten: afterwards there is all of it.
local function begin(known, who)
    local until_ms = math.floor(ngx.now() * 1000) + known.block_ms
    local ok, problem = blocks:safe_add(who.key, until_ms, known.block_ms / 1000)
    counts:delete("r" .. who.counted)
    counts:delete("b" .. who.counted)
    if ok then return until_ms, true end
    if problem == "exists" then return blocks:get(who.key) or until_ms, false end
    error("block: " .. tostring(problem))
end

local function over_budget(who)
    local most, mostbytes = who.site.most, who.site.mostbytes
    return most and ((counts:get("R" .. who.sum) or 0) >= most or (counts:get("B" .. who.sum) or 0) > mostbytes)
end

-- What becomes of a request: how it is logged, and, where it is refused, why and until when.
local function decide()
    local known, who = subject()
    if not known then return "f" end
    if not who then return "f" end
    local now = ngx.now() * 1000
    local until_ms = blocks:get(who.key)
    local began = false
    if not until_ms or until_ms <= now then
        if over_budget(who) then
            until_ms = (math.floor(now / 1000 / known.window) + 1) * known.window * 1000
            if who.site.mode == "dry" then return "d" end
            return "b " .. until_ms, "site", until_ms, 503
        end
        if add(who.counted, "r", 1, known) <= who.site.requests then
            if who.site.most then add(who.sum, "R", 1, known) end
            return ""
        end
        until_ms, began = begin(known, who)
    end
    if who.site.mode == "dry" then return (began and "D " or "d ") .. until_ms end
    return (began and "R " or "r ") .. until_ms, "client", until_ms, who.site.status
end

local function when(seconds)
    if seconds > 90 then return math.ceil(seconds / 60) .. " minutes" end
    return seconds == 1 and "1 second" or seconds .. " seconds"
end

function M.access()
    -- A request within a request was decided with it.
    if ngx.req.is_internal() or ngx.is_subrequest then return end
    local ok, logged, because, until_ms, status = pcall(decide)
    if not ok then return tell(logged) end
    ngx.var.postern_refused = logged
    if not because then return end
    -- Each process has its own idea of now, from when it was last woken; the end may be of another.
    ngx.update_time()
    local seconds = math.max(1, math.ceil(until_ms / 1000 - ngx.now()))
    local body = PAGES[because]:gsub("@WHEN@", when(seconds))
    ngx.status = status
    ngx.header["Retry-After"] = seconds
    ngx.header["Cache-Control"] = "no-store"
    ngx.header["X-Content-Type-Options"] = "nosniff"
    ngx.header["Content-Type"] = "text/html; charset=utf-8"
    ngx.header["Content-Length"] = #body
    ngx.print(body)
    return ngx.exit(ngx.HTTP_OK)
end

local function account()
    local logged = ngx.var.postern_refused
    if logged ~= "" and logged:sub(1, 1) ~= "d" then return end
    local known, who = subject()
    if not who or blocks:get(who.key) then return end
    local bytes = tonumber(ngx.var.bytes_sent) or 0
    if who.site.most then add(who.sum, "B", bytes, known) end
    if add(who.counted, "b", bytes, known) <= who.site.bytes then return end
    local until_ms, began = begin(known, who)
    if began then ngx.var.postern_refused = "B " .. until_ms end
end

function M.log()
    local ok, problem = pcall(account)
    if not ok then tell(problem) end
end

return M
`;
}

function server(plan: LuaPlan): string {
  const { bind, server: origin, trusted, log, folder } = plan;
  const call = (what: 'access' | 'log') => `${what}_by_lua_block {
        local loaded, throttle = pcall(function()
            local name = "${folder}/${PROGRAM}"
            package.loaded[name] = package.loaded[name] or dofile(name)
            return package.loaded[name]
        end)
        if loaded then return throttle.${what}() end
        ngx.log(ngx.ERR, "postern throttle: everybody is served: ", throttle)
    }`;
  return `# Written by "postern throttle compile nginx --mode lua"; include it within http { }.
# What each client had in one window of the clock. A flood of clients fills this, never the other.
lua_shared_dict postern_counts 128m;
# Who is blocked, and until when.
lua_shared_dict postern_blocks 32m;
map "" $postern_refused { default ""; }
log_format postern '${logFormat('n', '$postern_refused')}';
# Written in pieces of 32 kB, or after 200 ms.
access_log ${log} postern buffer=32k flush=200ms;
server {
    listen ${bind};
    client_header_timeout 10s;
${realAddress(trusted)}
    ${call('access')}
    ${call('log')}

    location / {
        ${behind(origin)}
    }
}
`;
}

/**
 * The part of a configuration with which nginx decides by itself (ngx_http_lua_module): in windows of the clock, as its
 * counters are shared by all workers and one addition is all that has to be done at once. What is wrong with it lets
 * everybody pass.
 */
export function compileNginxLua(plan: LuaPlan): ReadonlyMap<string, string> {
  return new Map([
    ['postern-throttle.conf', server(plan)],
    [PROGRAM, program(plan)],
  ]);
}
