-- Logins with YubiKeys in Dovecot 2.3: asks "postern login serve" on this machine.
--
--   passdb {
--     driver = lua
--     args = file=/etc/dovecot/postern-login.lua blocking=yes
--   }
--
-- There is no cache key, and auth_cache_size has to stay 0: a success that is remembered would let a used OTP in
-- again, and a failure that is remembered would refuse the next one.

local url = "http://127.0.0.1:8417/v1/login"
local token_file = "/etc/postern/login.token"

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\" }

local function json(text)
  return '"' .. text:gsub('[%c"\\]', function(char)
    return escapes[char] or string.format("\\u%04x", char:byte())
  end) .. '"'
end

local function read_token()
  local file = assert(io.open(token_file))
  local token = file:read("l")
  file:close()
  return token
end

local client
local token

function script_init()
  token = read_token()
  -- One try: an OTP that is sent twice is refused the second time.
  client = dovecot.http.client({ request_timeout_msecs = 20000, max_attempts = 1 })
  return 0
end

function auth_password_verify(request, password)
  local call = client:request({ url = url, method = "POST" })
  call:add_header("Authorization", "Bearer " .. token)
  call:add_header("Content-Type", "application/json")
  call:set_payload(string.format(
    '{"account":%s,"password":%s,"service":%s,"address":%s}',
    json(request.user), json(password), json(request.service or ""), json(request.remote_ip or "")
  ))
  local answer = call:submit()
  local result = answer:status() == 200 and answer:payload():match('"result":"(%a+)"')
  if result == "accepted" then
    return dovecot.auth.PASSDB_RESULT_OK, {}
  elseif result == "refused" then
    return dovecot.auth.PASSDB_RESULT_PASSWORD_MISMATCH, "refused"
  end
  return dovecot.auth.PASSDB_RESULT_INTERNAL_FAILURE, "the login service could not tell"
end
