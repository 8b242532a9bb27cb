return callee { truth = "busy", run = function(call)
  call:ring(0.2)
  call:reject(486, "Busy Here", 17)
end }
