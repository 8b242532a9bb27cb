-- A number that nobody has; the network says so by code.
return callee {
  truth = "vacant",
  run = function(call)
    call:wait(uniform(0.1, 0.8))
    call:reject(404, "Not Found", 1)
  end,
}
