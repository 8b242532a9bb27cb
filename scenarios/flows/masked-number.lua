-- scenarios/flows/masked-number.lua: field workers call shops through masked numbers, and are called back.
-- One flow answers three kinds of numbers (the row's `role`):
--   outbound   a worker calls it, keys the number to call, and is put through with a masked caller id
--   masked     a shop calls a masked number back: its worker is rung, the return number shown
--   return     a worker calls it to be put through to shops whose calls they missed
--
-- Kept in the store:
--   worker:NUMBER     { masked = { number, … }, announce = true|nil } by the worker's own number
--   masked:NUMBER     the worker's own number
--   missed:NUMBER     a worker's missed calls, oldest first: { seq, masked, shop, at }
--   missed-seq        the last sequence number
--   calls             what became of each call: { kind, worker, masked, shop, outcome }
-- Parameters (`with`): return_number, ring (seconds), webhook (URL of the text message), delay (seconds
-- until it is sent), wait (seconds for a key), pause (seconds that end a number).

local prompts = {
  unknown = {
    en = "This phone is not known here. Goodbye.",
    sl = "Te številke ne poznamo. Nasvidenje.",
    ru = "Этот телефон нам не известен. До свидания.",
  },
  no_masked = {
    en = "No masked number is assigned to you. Goodbye.",
    sl = "Nimate dodeljene skrite številke. Nasvidenje.",
    ru = "Вам не назначен номер. До свидания.",
  },
  index = {
    en = "Key the index of the number to show, then the hash key. For the list, zero and hash.",
    sl = "Vtipkajte zaporedno številko in lojtro. Za seznam nič in lojtra.",
    ru = "Наберите порядковый номер и решётку. Список — ноль и решётка.",
  },
  item = { en = "{index}: {number}.", sl = "{index}: {number}.", ru = "{index}: {number}." },
  number = {
    en = "Key the number to call.",
    sl = "Vtipkajte klicano številko.",
    ru = "Наберите номер.",
  },
  recorded = {
    en = "This call is recorded.",
    sl = "Klic se snema.",
    ru = "Разговор записывается.",
  },
  busy = { en = "The line is busy.", sl = "Linija je zasedena.", ru = "Линия занята." },
  no_answer = { en = "Nobody answers.", sl = "Nihče se ne oglasi.", ru = "Никто не отвечает." },
  vacant = {
    en = "There is no such number.",
    sl = "Te številke ni.",
    ru = "Такого номера нет.",
  },
  failed = {
    en = "The call cannot be made now.",
    sl = "Klic trenutno ni mogoč.",
    ru = "Звонок сейчас невозможен.",
  },
  not_here = {
    en = "Our worker cannot answer now. They will call you back.",
    sl = "Sodelavec se trenutno ne more oglasiti. Poklical vas bo.",
    ru = "Сотрудник сейчас не может ответить. Он вам перезвонит.",
  },
  one_missed = {
    en = "You have one missed call. Connecting.",
    sl = "Imate en neodgovorjen klic. Povezujem.",
    ru = "У вас один пропущенный звонок. Соединяю.",
  },
  several_missed = {
    en = "Key the sequence number from the message, then the hash key.",
    sl = "Vtipkajte zaporedno številko iz sporočila in lojtro.",
    ru = "Наберите номер из сообщения и решётку.",
  },
  no_such_missed = {
    en = "There is no missed call with this number.",
    sl = "Neodgovorjenega klica s to številko ni.",
    ru = "Пропущенного звонка с таким номером нет.",
  },
  none_missed = {
    en = "You have no missed calls.",
    sl = "Nimate neodgovorjenih klicev.",
    ru = "Пропущенных звонков нет.",
  },
}

local function param(call, name, otherwise)
  return tonumber(call.row[name] or "") or otherwise
end

local function bye(call, prompt)
  call:play(prompt)
  call:hangup()
end

-- Keys that end with # or a pause; asked three times.
local function keys(call, prompt, max)
  for _ = 1, 3 do
    local got = call:digits { prompt = prompt, min = 1, max = max, wait = param(call, "wait", 8),
                              between = param(call, "pause", 4) }
    if got then return got end
  end
  call:hangup()
end

-- Which of the worker's masked numbers is to be shown.
local function choose(call, masked)
  if #masked == 1 then return masked[1] end
  for _ = 1, 5 do
    local index = tonumber(keys(call, "index", 3))
    if index == 0 then
      for i, number in ipairs(masked) do
        call:play("item", { barge = "key", with = { index = read.number(i), number = read.digits(number) } })
      end
      call:mark("list")
    elseif masked[index] then
      return masked[index]
    end
  end
  call:hangup()
end

local failures = { busy = "busy", no_answer = "no_answer", vacant = "vacant" }

-- Dials and bridges, recorded. The outcome is in `about`, for the note that is kept of every call.
local function connect(call, about, to, shown, options)
  local ok, why = call:dial(to, { caller = shown, ring = param(call, "ring", 30) })
  if not ok then
    about.outcome = why
    if why ~= "hangup" and not options.silent then call:play(failures[why] or "failed") end
    return false
  end
  about.outcome = "connected"
  if options.announce then call:play("recorded") end
  call:bridge { record = true, left = options.left }
  return true
end

local function outbound(call, about)
  local worker = store.get("worker:" .. call.caller)
  about.worker = call.caller
  call:answer()
  if not worker then
    about.outcome = "unknown_worker"
    return bye(call, "unknown")
  end
  if not worker.masked or #worker.masked == 0 then
    about.outcome = "no_masked"
    return bye(call, "no_masked")
  end
  about.masked = choose(call, worker.masked)
  about.shop = keys(call, "number", 20)
  connect(call, about, about.shop, about.masked, { announce = worker.announce })
end

-- A shop calls back.
local function masked(call, about)
  local number = call.row.number or call.number
  local worker = store.get("masked:" .. number)
  about.worker, about.masked, about.shop = worker, number, call.caller
  if not worker then
    about.outcome = "unknown_masked"
    return call:reject(404)
  end
  -- Whatever ended it: a shop that gave up while it rang was missed, too.
  call:afterwards(function()
    if about.outcome == "connected" then return end
    local seq = store.add("missed-seq", 1)
    store.push("missed:" .. worker, { seq = seq, masked = number, shop = about.shop })
    call:pause(param(call, "delay", 30))
    if call.row.webhook then
      http.post(call.row.webhook, { event = "missed_call", seq = seq, masked = about.masked,
                                    worker = worker, time = call:wall() })
    end
  end)
  call:answer()
  if not connect(call, about, worker, call.row.return_number, { left = "far", silent = true }) then
    call:play("not_here")
  end
end

-- The worker calls the return number. Taken off the list once it is connected.
local function return_call(call, about)
  local list = "missed:" .. call.caller
  local missed = store.list(list)
  about.worker = call.caller
  call:answer()
  if not missed or #missed == 0 then
    about.outcome = "none_missed"
    return bye(call, "none_missed")
  end
  local chosen = missed[1]
  if #missed == 1 then
    call:play("one_missed", { barge = "key" })
  else
    chosen = nil
    for _ = 1, 3 do
      local seq = keys(call, "several_missed", 9)
      for _, one in ipairs(missed) do
        if tostring(one.seq) == seq then chosen = one end
      end
      if chosen then break end
      call:play("no_such_missed", { barge = "key" })
    end
  end
  if not chosen then
    about.outcome = "no_such_missed"
    return call:hangup()
  end
  about.masked, about.shop = chosen.masked, chosen.shop
  call:finally(function()
    if about.outcome == "connected" then store.remove(list, chosen) end
    store.push("calls", about)
  end)
  connect(call, about, chosen.shop, chosen.masked, {})
end

local roles = { outbound = outbound, masked = masked, ["return"] = return_call }

return flow {
  limit = 7200,
  language = "en",
  prompts = prompts,
  run = function(call)
    local about = { kind = call.row.role, outcome = "hangup" }
    if call.row.language then call:language(call.row.language) end
    call:finally(function() store.push("calls", about) end)
    roles[call.row.role](call, about)
  end,
}
