"""The script of a page: it tells points of lines, and copies text. Nothing else needs it."""

SCRIPT = r"""
(function(){
"use strict";
var data={};
try{data=JSON.parse(document.getElementById("points").textContent)}catch(error){}
function short(v){
 return Math.abs(v)>=1e-3&&Math.abs(v)<1e6?String(+v.toPrecision(4)):v.toExponential(2)}
document.querySelectorAll("svg[data-chart]").forEach(function(svg){
 var name=svg.dataset.chart,known=Object.prototype.hasOwnProperty.call(data,name);
 var chart=known?data[name]:null;
 var figure=svg.closest("figure");
 if(!chart||!figure)return;
 var tip=document.createElement("div"),dot=document.createElementNS(svg.namespaceURI,"circle");
 tip.className="tip";tip.hidden=true;figure.appendChild(tip);
 dot.setAttribute("r","4");dot.setAttribute("class","dot");
 function leave(){tip.hidden=true;dot.remove()}
 function show(event){
  var area=svg.getBoundingClientRect(),view=svg.viewBox.baseVal,scale=view.width/area.width;
  var x=(event.clientX-area.left)*scale,y=(event.clientY-area.top)*scale,best=null,least=1e9;
  chart.lines.forEach(function(line){for(var k=0;k<line.px.length;k++){
   if(line.px[k]===null||line.py[k]===null)continue;
   var dx=line.px[k]-x,dy=(line.py[k]-y)/3,away=dx*dx+dy*dy;
   if(away<least){least=away;best=[line,k]}}});
  if(!best)return leave();
  var line=best[0],k=best[1];
  tip.textContent=line.label+": "+short(line.y[k])+" at "+short(line.x[k])+" ("+chart.x+")";
  dot.setAttribute("cx",line.px[k]);dot.setAttribute("cy",line.py[k]);svg.appendChild(dot);
  tip.hidden=false;
  var around=figure.getBoundingClientRect(),left=area.left-around.left+line.px[k]/scale+8;
  tip.style.left=Math.max(0,Math.min(left,around.width-tip.offsetWidth-4))+"px";
  tip.style.top=(area.top-around.top+line.py[k]/scale-tip.offsetHeight-6)+"px";
 }
 svg.addEventListener("pointermove",show);svg.addEventListener("pointerleave",leave);
});
document.querySelectorAll("button[data-copies]").forEach(function(button){
 button.hidden=false;
 button.addEventListener("click",function(){
  var from=document.getElementById(button.dataset.copies),told=button.textContent;
  var text="value" in from?from.value:from.textContent;
  function done(){button.textContent="Copied";setTimeout(function(){button.textContent=told},1500)}
  function old(){
   var area=document.createElement("textarea");area.value=text;document.body.appendChild(area);
   area.select();document.execCommand("copy");area.remove();done()}
  if(navigator.clipboard)navigator.clipboard.writeText(text).then(done,old);else old();
 });
});
})();
"""
