-- Answered, but not one packet comes: the media path is broken.
return callee {
  truth = "no_media",
  run = function(call)
    call:ring(uniform(1, 8))
    call:mute(true)
    call:answer()
    call:wait_hangup(30)
  end,
}
