-- A person who says hello, hears nothing, says it again, and gives up after the third time.
return callee {
  truth = "human",
  run = function(call)
    call:ring(exp(6, { min = 1, max = 18 }))
    call:answer()
    call:wait(uniform(0.2, 0.6))
    local hello = pick("human")
    local heard
    for attempt = 1, 3 do
      call:mark("hello_" .. attempt)
      call:play(hello, { limit = 8 })
      heard = call:listen { "speech", limit = uniform(1.2, 2.5) }
      if heard then break end
    end
    if not heard then
      call:mark("gave_up")
      call:hangup()
      return
    end
    call:mark("agent_heard")
    while call:age() < setting("talk_limit", 180) do
      call:wait(exp(4, { min = 0.5, max = 12 }))
      call:play(pick("human"), { limit = 8 })
    end
  end,
}
