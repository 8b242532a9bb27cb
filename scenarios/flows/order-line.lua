-- scenarios/flows/order-line.lua: a direct-selling company's order line, at any hour, from a phone with
-- tone dialling. One flow for all languages: the number that was called says which (numbers file).
--
-- Kept in the store (docs/FLOWS.md; with Redis under the prefix "peal:"):
--   phone:NUMBER          the member whose phone that is
--   member:NUMBER         { pin, balance, currency, delivery, amount, status, held, paid, paid_on }
--   product:CODE          { name } of the catalogue
--   pin-wrong:MEMBER      wrong PINs in a row; at three the PIN is locked until an operator removes it
--   orders                every submitted order, oldest first: { order, member, period, kind, lines }
--   order-number          the last order's number
-- Parameters of the number (`with`): period (catalogue period), limit (most of one product), wait
-- (seconds for a key). Hours: `operator`.

local PIN_TRIES = 3

local prompts = {
  main = {
    en = "For personal information press one. For general information press two. For an operator press zero.",
    sl = "Za osebne podatke pritisnite ena. Za splošne informacije pritisnite dve. Za operaterja pritisnite nič.",
    ru = "Личная информация — нажмите один. Общая информация — нажмите два. Оператор — нажмите ноль.",
  },
  general = {
    en = "The new catalogue is out. Offers are on page two. There are no mistakes known in this catalogue.",
    sl = "Izšel je nov katalog. Ponudba je na strani dve. V katalogu ni znanih napak.",
    ru = "Вышел новый каталог. Предложения на второй странице. Ошибок в каталоге не известно.",
  },
  closed = {
    en = "Our operators are here on weekdays from eight to four.",
    sl = "Operaterji so na voljo ob delavnikih od osmih do šestnajstih.",
    ru = "Операторы работают по будням с восьми до шестнадцати часов.",
  },
  connecting = { en = "One moment please.", sl = "Trenutek, prosim.", ru = "Одну минуту." },
  nobody = {
    en = "All operators are busy. Please call again later.",
    sl = "Vsi operaterji so zasedeni. Pokličite pozneje.",
    ru = "Все операторы заняты. Позвоните позже.",
  },
  unregistered = {
    en = "This phone is not registered to a member.",
    sl = "Ta telefon ni prijavljen pri nobenem članu.",
    ru = "Этот телефон не зарегистрирован.",
  },
  member = {
    en = "Please key your member number, then the hash key.",
    sl = "Vtipkajte člansko številko in lojtro.",
    ru = "Наберите номер члена и решётку.",
  },
  wrong_member = {
    en = "This is not the member number of this phone.",
    sl = "To ni članska številka tega telefona.",
    ru = "Это не тот номер члена.",
  },
  personal = {
    en = "Balance, one. Delivery date, two. Catalogue amount, three. Status, four. Why an order is held, five. " ..
      "Last payment, six. To place an order, seven. Main menu, star.",
    sl = "Stanje, ena. Datum dostave, dve. Znesek, tri. Status, štiri. Zakaj je naročilo zadržano, pet. " ..
      "Zadnje plačilo, šest. Novo naročilo, sedem. Glavni meni, zvezdica.",
    ru = "Баланс — один. Дата доставки — два. Сумма — три. Состояние — четыре. Почему заказ задержан — пять. " ..
      "Последний платёж — шесть. Новый заказ — семь. Главное меню — звёздочка.",
  },
  balance = { en = "Your balance is {it}.", sl = "Vaše stanje je {it}.", ru = "Ваш баланс: {it}." },
  delivery = {
    en = "Your last order will be delivered on {it}.",
    sl = "Zadnje naročilo bo dostavljeno {it}.",
    ru = "Ваш последний заказ доставят {it}.",
  },
  amount = {
    en = "The catalogue amount of your last order is {it}.",
    sl = "Kataloški znesek zadnjega naročila je {it}.",
    ru = "Сумма последнего заказа по каталогу: {it}.",
  },
  status = {
    en = "The status of your last order is: {it}.",
    sl = "Status zadnjega naročila: {it}.",
    ru = "Состояние последнего заказа: {it}.",
  },
  held = {
    en = "Your last order is held: {it}.",
    sl = "Zadnje naročilo je zadržano: {it}.",
    ru = "Последний заказ задержан: {it}.",
  },
  not_held = {
    en = "Your last order is not held.",
    sl = "Zadnje naročilo ni zadržano.",
    ru = "Последний заказ не задержан.",
  },
  paid = {
    en = "Your last payment was {it}, on {day}.",
    sl = "Zadnje plačilo: {it}, {day}.",
    ru = "Последний платёж: {it}, {day}.",
  },
  nothing = { en = "There is nothing yet.", sl = "Podatka še ni.", ru = "Данных пока нет." },
  pin = { en = "Please key your PIN.", sl = "Vtipkajte PIN.", ru = "Наберите ПИН-код." },
  wrong_pin = { en = "The PIN is wrong.", sl = "PIN ni pravilen.", ru = "Неверный ПИН-код." },
  locked = {
    en = "Your PIN is locked. An operator can renew it.",
    sl = "Vaš PIN je zaklenjen. Obnovi ga lahko operater.",
    ru = "Ваш ПИН-код заблокирован. Его может обновить оператор.",
  },
  kind = {
    en = "For a regular order press one.",
    sl = "Za redno naročilo pritisnite ena.",
    ru = "Обычный заказ — нажмите один.",
  },
  period = {
    en = "The order is for catalogue period {it}.",
    sl = "Naročilo je za katalog številka {it}.",
    ru = "Заказ по каталогу номер {it}.",
  },
  product = {
    en = "Product code, then the hash key. When you are done, star.",
    sl = "Šifra izdelka in lojtra. Za konec zvezdica.",
    ru = "Код товара и решётка. Для завершения — звёздочка.",
  },
  unknown_product = {
    en = "There is no product {it}.",
    sl = "Izdelka {it} ni.",
    ru = "Товара {it} нет.",
  },
  quantity = {
    en = "Quantity, then the hash key.",
    sl = "Količina in lojtra.",
    ru = "Количество и решётка.",
  },
  wrong_quantity = {
    en = "The quantity is from one to {it}.",
    sl = "Količina je od ena do {it}.",
    ru = "Количество — от одного до {it}.",
  },
  submit = {
    en = "To listen to the order press one, to change it two, to submit it three, to cancel it four.",
    sl = "Poslušanje naročila, ena. Sprememba, dve. Oddaja, tri. Preklic, štiri.",
    ru = "Прослушать заказ — один, изменить — два, отправить — три, отменить — четыре.",
  },
  line = { en = "{code}: {count}.", sl = "{code}: {count}.", ru = "{code}: {count}." },
  empty = { en = "The order is empty.", sl = "Naročilo je prazno.", ru = "Заказ пуст." },
  submitted = {
    en = "Your order has the number {it}. Thank you.",
    sl = "Številka naročila je {it}. Hvala.",
    ru = "Номер вашего заказа — {it}. Спасибо.",
  },
  cancelled = { en = "The order is cancelled.", sl = "Naročilo je preklicano.", ru = "Заказ отменён." },
  sorry = {
    en = "This is not possible just now. Please call again later.",
    sl = "To trenutno ni mogoče. Pokličite pozneje.",
    ru = "Сейчас это невозможно. Позвоните позже.",
  },
  bye = { en = "Thank you for calling. Goodbye.", sl = "Hvala za klic. Nasvidenje.", ru = "Спасибо за звонок. До свидания." },
}

local function number_of(call, name, otherwise)
  return tonumber(call.row[name] or "") or otherwise
end

-- What the caller hears may be cut short by the next key.
local function say(call, name, with)
  call:play(name, { barge = "key", with = with })
end

-- Whoever is silent is asked twice more, then taken leave of.
local function leave(call)
  call:play("bye")
  call:hangup()
end

local function menu(call, prompt, keys)
  local key = call:menu { prompt = prompt, keys = keys, wait = number_of(call, "wait", 5), again = 2 }
  if not key then leave(call) end
  return key
end

-- Keys up to #. With star, a star alone is "*": what it ends is for the caller of this to say.
local function keys(call, prompt, max, stop)
  for _ = 1, 3 do
    local got = call:digits { prompt = prompt, min = 1, max = max, stop = stop or "#",
                              wait = number_of(call, "wait", 5), between = number_of(call, "between", 5) }
    if got then return got end
  end
  leave(call)
end

-- The store away, or anything else that is no fault of the caller's.
local function must(call, value, why)
  if value == nil and why then
    call:log("the store: " .. why)
    call:play("sorry")
    call:hangup()
  end
  return value
end

local function get(call, key)
  local value, why = store.get(key)
  return must(call, value, why)
end

-- The caller's member number and what is kept of the member; nil: back to the main menu.
local function identify(call)
  local registered = get(call, "phone:" .. call.caller)
  if not registered then
    say(call, "unregistered")
    return nil
  end
  for _ = 1, 3 do
    local keyed = keys(call, "member", 12)
    if keyed == registered then
      return keyed, get(call, "member:" .. keyed) or {}
    end
    say(call, "wrong_member")
  end
  return nil
end

-- Three wrong PINs in a row, in one call or in several, lock it.
local function pin_is_right(call, number, member)
  local count = "pin-wrong:" .. number
  if (tonumber(get(call, count) or "") or 0) >= PIN_TRIES then
    say(call, "locked")
    return false
  end
  while true do
    local keyed = keys(call, "pin", 8)
    -- Counted before it is looked at: calls beside each other have three tries together.
    local tries = must(call, store.add(count, 1))
    if tries > PIN_TRIES then
      say(call, "locked")
      return false
    end
    if keyed == member.pin then
      must(call, store.remove(count))
      return true
    end
    if tries == PIN_TRIES then
      say(call, "locked")
      return false
    end
    say(call, "wrong_pin")
  end
end

-- A code keyed again is kept once: the last entry wins and takes the place of its last keying.
local function put_line(lines, code, count)
  for i, line in ipairs(lines) do
    if line.code == code then
      table.remove(lines, i)
      break
    end
  end
  lines[#lines + 1] = { code = code, count = count }
end

-- A code ends with #, the list with a star: read key by key, so that both are seen.
local function code_or_star(call)
  local code = ""
  for _ = 1, 3 do
    local key, why = call:digits { prompt = code == "" and "product" or nil, min = 1, max = 1, stop = "",
                                   wait = number_of(call, "wait", 5) }
    while key do
      if key == "*" then return "*" end
      if key == "#" then
        if code ~= "" then return code end
      else
        code = code .. key
        if #code > 12 then return code end
      end
      key, why = call:digits { min = 1, max = 1, stop = "", wait = number_of(call, "between", 5) }
    end
    if code ~= "" then return code end
  end
  leave(call)
end

local function read_lines(call, lines)
  local most = number_of(call, "limit", 99)
  while true do
    local code = code_or_star(call)
    if code == "*" then return end
    if not get(call, "product:" .. code) then
      say(call, "unknown_product", { it = read.digits(code) })
    else
      local count = tonumber(keys(call, "quantity", 6))
      if not count or count < 1 or count > most then
        say(call, "wrong_quantity", { it = read.number(most) })
      else
        put_line(lines, code, count)
      end
    end
  end
end

local function read_back(call, lines)
  if #lines == 0 then say(call, "empty") end
  for _, line in ipairs(lines) do
    call:play("line", { barge = "key", with = { code = read.digits(line.code), count = read.number(line.count) } })
  end
end

local function submit(call, number, lines)
  local order = must(call, store.add("order-number", 1))
  must(call, store.push("orders", { order = order, member = number, kind = "regular", lines = lines,
                                    period = call.row.period or "", caller = call.caller }))
  call:mark("submitted")
  say(call, "submitted", { it = read.digits(order) })
end

local function place_order(call, number, member)
  local lines = {}
  if not pin_is_right(call, number, member) then return end
  menu(call, "kind", "1")
  say(call, "period", { it = read.number(number_of(call, "period", 1)) })
  read_lines(call, lines)
  while true do
    local key = menu(call, "submit", "1234")
    if key == "1" then
      read_back(call, lines)
    elseif key == "2" then
      read_lines(call, lines)
    elseif key == "3" and #lines == 0 then
      say(call, "empty")
    elseif key == "3" then
      return submit(call, number, lines)
    else
      say(call, "cancelled")
      return
    end
  end
end

local function money(member, value)
  return value and read.amount(tonumber(value), member.currency or "EUR")
end

local function tell(call, prompt, it, day)
  if not it then
    say(call, "nothing")
  else
    say(call, prompt, { it = it, day = day or "" })
  end
end

local told = {
  ["1"] = function(call, m) tell(call, "balance", money(m, m.balance)) end,
  ["2"] = function(call, m) tell(call, "delivery", m.delivery and read.date(m.delivery, { on = true })) end,
  ["3"] = function(call, m) tell(call, "amount", money(m, m.amount)) end,
  ["4"] = function(call, m) tell(call, "status", m.status) end,
  ["5"] = function(call, m)
    if m.held then tell(call, "held", m.held) else say(call, "not_held") end
  end,
  ["6"] = function(call, m)
    tell(call, "paid", money(m, m.paid), m.paid_on and read.date(m.paid_on, { on = true }))
  end,
}

local function personal(call)
  local number, member = identify(call)
  if not number then return end
  while true do
    local key = menu(call, "personal", "1234567*")
    if key == "*" then return end
    call:mark("personal-" .. key)
    if key == "7" then return place_order(call, number, member) end
    told[key](call, member)
  end
end

local function operator(call)
  if not call:is_open("operator") then
    call:mark("closed")
    say(call, "closed")
    return
  end
  say(call, "connecting")
  local how = call:transfer("agent", { ring = number_of(call, "ring", 60) })
  if how then
    call:hangup()
  end
  call:play("nobody")
end

return flow {
  limit = 1800,
  language = "en",
  prompts = prompts,
  run = function(call)
    if call.row.language then call:language(call.row.language) end
    call:answer()
    while true do
      local key = menu(call, "main", "120")
      if key == "1" then
        personal(call)
      elseif key == "2" then
        say(call, "general")
      else
        operator(call)
      end
    end
  end,
}
