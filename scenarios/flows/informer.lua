-- scenarios/flows/informer.lua: "your parcel has arrived". Runs on live answers of a campaign without
-- agents on the line (pacing: agentless). The lead's columns fill the message: name, parcel, point.
--   1 hears it again · 2 puts through to an agent · 9 stops these calls, for all campaigns, at once
-- A parcel that was picked up ends the call from outside: peal leads stop CAMPAIGN ID.

local prompts = {
  message = {
    en = "Hello {name}. Your parcel {parcel} waits for you at {point}.",
    sl = "Pozdravljeni {name}. Vaš paket {parcel} vas čaka: {point}.",
    ru = "Здравствуйте, {name}. Ваша посылка {parcel} ждёт вас: {point}.",
  },
  keys = {
    en = "To hear this again press one. To speak to us press two. To stop these calls press nine.",
    sl = "Za ponovitev pritisnite ena. Za pogovor pritisnite dve. Če teh klicev ne želite več, pritisnite devet.",
    ru = "Повторить — один. Поговорить с нами — два. Больше не звонить — девять.",
  },
  nobody = {
    en = "Nobody is free just now. Goodbye.",
    sl = "Trenutno ni nihče prost. Nasvidenje.",
    ru = "Сейчас все заняты. До свидания.",
  },
  stopped = {
    en = "We will not call you again. Goodbye.",
    sl = "Ne bomo vas več klicali. Nasvidenje.",
    ru = "Мы больше не будем звонить. До свидания.",
  },
  bye = { en = "Goodbye.", sl = "Nasvidenje.", ru = "До свидания." },
}

return flow {
  limit = 600,
  language = "en",
  prompts = prompts,
  run = function(call)
    local with = { name = call.row.name, parcel = read.digits(call.row.parcel or "0"), point = call.row.point or "" }
    if call.row.language then call:language(call.row.language) end
    for _ = 1, 3 do
      call:play("message", { barge = "key", with = with })
      local key = call:menu { prompt = "keys", keys = "129", wait = 4, again = 0 }
      call:mark("key-" .. (key or "none"))
      if key == "2" then
        if not call:transfer("agent", { ring = 30 }) then call:play("nobody") end
        break
      elseif key == "9" then
        call:do_not_call("global")
        call:play("stopped")
        break
      elseif not key then
        call:play("bye")
        break
      end
    end
    call:hangup()
  end,
}
