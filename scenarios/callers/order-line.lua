-- scenarios/callers/order-line.lua: a caller with a plan. The row's `plan` has steps parted by blanks:
--   123#      keys (in band when the row says kind = in_band, as long as a thumb's where packets are lost; slow
--             ones with a pause of a second each)
--   w1.5      waits so many seconds
--   prompt    waits until the flow has spoken and is silent
--   h         hangs up
-- The row's `loss`: so many percent of its packets are lost, two in a row on average.
-- After the last step it waits until the flow hangs up, and checks that it did unless it hung up itself.
return caller {
  limit = 600,
  run = function(call)
    local in_band, slow = call.row.kind == "in_band", call.row.kind == "slow"
    local lossy = tonumber(call.row.loss or "0") > 0
    local on = in_band and lossy and 0.25 or 0.12
    if lossy then
      call:impair { loss = tonumber(call.row.loss), burst = 2 }
    end
    check(call:wait_answer { limit = 60 }, "the call was answered")
    for step in call.row.plan:gmatch("%S+") do
      if step == "h" then
        call:hangup()
        return
      elseif step == "prompt" then
        check(call:listen { "speech", limit = 60 }, "a prompt")
        call:listen { "silence", silence = 1, limit = 60 }
      elseif step:sub(1, 1) == "w" then
        call:wait(tonumber(step:sub(2)))
      elseif slow then
        for key in step:gmatch(".") do
          call:send_dtmf(key)
          call:wait(1)
        end
      else
        for at = 1, #step, 16 do
          call:send_dtmf(step:sub(at, at + 15), { in_band = in_band, on = on, gap = on })
        end
      end
    end
    check(call:wait_hangup(500) == "hangup", "the flow takes its leave")
  end,
}
