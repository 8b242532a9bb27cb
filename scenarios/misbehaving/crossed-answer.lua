-- Picks up just as the caller gives up: the 200 crosses the CANCEL, and the caller has to take the
-- call and end it by BYE.
return callee {
  truth = "human",
  run = function(call)
    call:ring()
    if call:defy_cancel(60) then
      call:mark("cancel")
    end
    call:answer()
    call:wait_hangup(32)
  end,
}
