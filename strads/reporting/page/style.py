"""The style of a page: light and dark, narrow and printed."""

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#59636e;--edge:#d5dae0;--panel:#f6f8fa;
--s0:#0059b3;--s1:#c2410c;--s2:#0f7b5f;--s3:#8e3b9e;--s4:#7a5c00;--s5:#5b6470;
--computing:#2a7f4f;--waiting:#d97a1a;--starved:#b3261e;--scheduling:#3b6fd4;--preparing:#8b95a1;
--outside:#c3cad2;--rest:#e6e9ed;--saved:#dbe3ea;
--h0:#f6f8fa;--h1:#dcebfa;--h2:#bcd9f5;--h3:#93c1ed;--h4:#66a4e2;--h5:#3f84d0;--h6:#2366b2;
--h7:#134a8b;--h8:#082f60}
@media (prefers-color-scheme:dark){:root{--bg:#14181d;--fg:#e6e9ed;--soft:#a3adb8;--edge:#39424d;
--panel:#1c2229;--s0:#6cb0ff;--s1:#ff9e57;--s2:#4fd1a5;--s3:#d99be6;--s4:#e0c04c;--s5:#b4bdc8;
--computing:#4cb27b;--waiting:#e8963f;--starved:#ef6b62;--scheduling:#7ba4f4;--preparing:#77828f;
--outside:#4b5563;--rest:#2a313a;--saved:#2b343f;
--h0:#1c2229;--h1:#0f2b4a;--h2:#134070;--h3:#1a5797;--h4:#2a72bd;--h5:#4c93dc;--h6:#7db5f0;
--h7:#b0d3fa;--h8:#e6f2ff}}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
main{max-width:1080px;margin:0 auto;padding:16px}
h1{font-size:1.6rem;line-height:1.25;margin:.4em 0;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2em 0 .4em;border-bottom:1px solid var(--edge);padding-bottom:.2em}
p{max-width:75ch;margin:.5em 0}
.lede{font-size:1.05rem}
.soft,figcaption,.legend{color:var(--soft);font-size:.875rem}
nav{font-size:.875rem;margin:.5em 0 1em;display:flex;flex-wrap:wrap;gap:0 .9em}
a{color:var(--s0)}
.charts figure{margin:0}
.charts{display:grid;margin:.6em 0;
grid-template-columns:repeat(auto-fill,minmax(min(100%,420px),1fr));gap:16px}
figure{margin:.6em 0;padding:10px;background:var(--panel);border:1px solid var(--edge);
border-radius:6px;min-width:0;position:relative;max-width:640px}
figure h3{font-size:1rem;margin:0 0 .4em;overflow-wrap:anywhere}
figure svg[role=img]{display:block;width:100%;height:auto}
.hero{max-width:508px}
.legend{list-style:none;padding:0;margin:.4em 0;display:flex;flex-wrap:wrap;gap:2px 14px}
.legend li{overflow-wrap:anywhere}
svg .dots{fill:none;stroke-width:6;stroke-linecap:round;stroke-dasharray:none}
.swatch .h0,.swatch .rest,.swatch .saved{stroke:var(--edge)}
.swatch{width:26px;height:12px;margin-right:4px;vertical-align:middle}
svg text{font:13px system-ui,sans-serif;fill:var(--soft)}
svg text.strong{fill:var(--fg)}
.axis{stroke:var(--soft);fill:none;stroke-width:1}.grid{stroke:var(--edge);fill:none;stroke-width:1}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.bound{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:6 4;fill:none}
.s0{stroke:var(--s0)}.s1{stroke:var(--s1);stroke-dasharray:7 4}.s2{stroke:var(--s2);
stroke-dasharray:2 4}.s3{stroke:var(--s3);stroke-dasharray:9 3 2 3}
.s4{stroke:var(--s4)}.s5{stroke:var(--s5);stroke-dasharray:5 2}
.computing{fill:var(--computing)}.waiting{fill:var(--waiting)}.starved{fill:var(--starved)}
.scheduling{fill:var(--scheduling)}.preparing{fill:var(--preparing)}.outside{fill:var(--outside)}
.rest{fill:var(--rest)}.saved{fill:var(--saved)}
.b0{fill:var(--s0)}.b1{fill:var(--s1)}.b2{fill:var(--s2)}.b3{fill:var(--s3)}.b4{fill:var(--s4)}
.b5{fill:var(--s5)}
.h0{fill:var(--h0)}.h1{fill:var(--h1)}.h2{fill:var(--h2)}.h3{fill:var(--h3)}.h4{fill:var(--h4)}
.h5{fill:var(--h5)}.h6{fill:var(--h6)}.h7{fill:var(--h7)}.h8{fill:var(--h8)}
.wide{overflow-x:auto;max-width:100%}
caption{text-align:left}
table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}
th,td{padding:3px 10px 3px 0;text-align:left;border-bottom:1px solid var(--edge);
vertical-align:top}
td{overflow-wrap:anywhere;min-width:5ch}th{font-weight:600}
td.n,th.n{text-align:right;white-space:nowrap}
.facts th{white-space:nowrap;padding-right:18px}
pre,textarea,code{font:13px/1.45 ui-monospace,monospace}
pre{background:var(--panel);border:1px solid var(--edge);border-radius:6px;
padding:10px;margin:.5em 0;white-space:pre-wrap;overflow-wrap:anywhere}
textarea{width:calc(100% - 8px);height:12em;background:var(--panel);color:var(--fg);
border:1px solid var(--edge)}
summary{cursor:pointer;margin:.5em 0}
button{font:inherit;font-size:.875rem;padding:3px 10px}
.tip{position:absolute;pointer-events:none;background:var(--fg);color:var(--bg);font-size:.8rem;
padding:2px 7px;border-radius:4px;z-index:2;max-width:80%}
.dot{fill:var(--fg)}
.said{font-weight:600}
@media (max-width:480px){main{padding:10px}body{font-size:15px}figure{padding:6px}}
@media print{:root{color-scheme:light}main{max-width:none;padding:0}nav,button,.tip{display:none}
figure,tr{break-inside:avoid}h2{break-after:avoid}
.charts{grid-template-columns:1fr 1fr}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
