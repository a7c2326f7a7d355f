G21
G90
M83
M140 S80
M104 S230
G28
M190 S80
M109 S230
G92 E0
G1 X10 Y10 Z0.2 F3000
G1 X20                                                                                          M104 S300
M104 S0
M140 S0
M84
