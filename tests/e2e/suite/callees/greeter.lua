-- Rings, greets with a recording, beeps, is silent, hangs up.
return callee { truth = "machine", run = function(call)
  check(call:got_header("INVITE", "From", "+12025550100"))
  call:ring(0.3)
  call:answer()
  call:play("greeting.wav")
  call:wait(0.3)
  call:tone(1000, 0.4)
  call:mark("beep")
  call:wait(4)
  call:hangup()
end }
