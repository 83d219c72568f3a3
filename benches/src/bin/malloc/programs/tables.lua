local function tree(d) if d==0 then return {} end return {tree(d-1),tree(d-1)} end
local t={} for i=1,200000 do t["k"..i]={i,tostring(i)} end
for i=1,40 do tree(13) end
local s={} for i=1,300000 do s[#s+1]=("x"):rep(i%97) end print(#table.concat(s))
