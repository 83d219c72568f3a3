d={}
for i in range(300000): d[str(i)]=[i,str(i)*2,(i,)]
s=sum(len(v[1]) for v in d.values())
l=[{"a":i,"b":[i]*5} for i in range(200000)]
import json
t=json.dumps(l); x=json.loads(t); print(s,len(t),len(x))
