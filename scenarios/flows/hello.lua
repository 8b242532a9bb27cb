-- scenarios/flows/hello.lua: the smallest inbound flow. It asks for keys by a tone, sends them back as
-- keys, and hangs up; nobody pressing anything hears the tone twice more.
return flow {
  limit = 120,
  run = function(call)
    call:answer()
    for _ = 1, 3 do
      call:tone(tonumber(call.row.hz or "440"), 0.4)
      local keys = call:digits { min = 1, max = 10, wait = tonumber(call.row.wait or "5") }
      if keys then
        call:send_dtmf(keys)
        break
      end
    end
    call:hangup()
  end,
}
