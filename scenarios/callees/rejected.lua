-- Sees the number on the display and declines.
return callee {
  truth = "rejected",
  run = function(call)
    call:ring(uniform(1, 6))
    call:reject(603, "Decline", 21)
  end,
}
