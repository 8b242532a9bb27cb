-- The network charges for an answer nobody gave: 200, then ringback or a busy tone.
return callee {
  truth = "false_answer",
  run = function(call)
    call:wait(uniform(0.3, 1.5))
    call:answer()
    if chance(0.6) then
      call:tone("ringback", 30)
    else
      call:tone("busy", 15)
    end
  end,
}
