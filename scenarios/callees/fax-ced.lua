-- A fax that receives: answers with 2100 Hz for three seconds, then waits and tries again.
return callee {
  truth = "fax",
  run = function(call)
    call:ring(uniform(1, 6))
    call:answer()
    call:wait(uniform(1.8, 2.5)) -- T.30: 1.8 to 2.5 s after the line is taken
    for _ = 1, 3 do
      call:tone("ced", uniform(2.6, 4))
      call:wait(3)
    end
  end,
}
