-- Someone who calls, talks for a while and hangs up.
return caller {
  run = function(call)
    call:wait_answer { limit = 60 }
    call:wait(uniform(0.5, 2))
    for _ = 1, 2 do
      call:play(pick("human"), { limit = 8 })
      call:wait(uniform(1, 3))
    end
    call:hangup()
  end,
}
