-- A gateway at its limits: 180 comes three times, the first 200 is lost, the next has headers of
-- 6 KB, and a late 183 of nobody comes after it.
return callee {
  truth = "dead_air",
  run = function(call)
    call:misbehave { double = "180", copies = 2 }
    call:misbehave { lose = "200/INVITE" }
    call:misbehave { bloat = "200/INVITE", bytes = 6000 }
    call:ring(uniform(0.5, 2))
    call:answer()
    call:respond(183, "", "nobody")
    call:wait_hangup(30)
  end,
}
