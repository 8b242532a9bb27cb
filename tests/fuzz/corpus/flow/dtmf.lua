-- Presses keys on a menu: the digits come from the data row (column `keys`), else 1 2 3 #.
return caller {
  run = function(call)
    check(call:wait_answer { limit = 30 }, "the call was answered")
    call:wait(1)
    call:send_dtmf(call.row.keys or "123#", { in_band = chance(0.5) })
    call:wait(1)
    call:hangup()
  end,
}
