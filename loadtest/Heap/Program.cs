using System.CommandLine;
using Weir.LoadTest.Heap;

Argument<int> process = new("process") { Description = "Of a .NET server on this machine, to be stopped for a moment" };
Option<int> per = new("--per") { Description = "Divide by so many connections", DefaultValueFactory = static _ => 1 };
Option<string?> save = new("--save") { Description = "Write what is there to a file, and nothing else" };
Option<string?> minus = new("--minus") { Description = "Take away what a file says was there before" };
Option<int> top = new("--top") { Description = "Lines", DefaultValueFactory = static _ => 30 };

RootCommand root = new("Objects and bytes on the heap of a server, by type") { process, per, save, minus, top };
root.SetAction(parsed =>
{
    Snapshot snapshot = Snapshot.Of(parsed.GetValue(process));
    if (parsed.GetValue(save) is { } file)
    {
        snapshot.Save(file);
        return;
    }

    Snapshot shown = parsed.GetValue(minus) is { } before ? snapshot.Minus(Snapshot.Load(before)) : snapshot;
    double divisor = parsed.GetValue(per);
    Console.WriteLine($"{"bytes",10} {"objects",9}  of {shown.Bytes / divisor:N1} bytes in all, each per {divisor:N0}");
    foreach ((string type, long objects, long bytes) in shown.Types.OrderByDescending(static each => each.Bytes).Take(parsed.GetValue(top)))
    {
        Console.WriteLine($"{bytes / divisor,10:N1} {objects / divisor,9:N2}  {type}");
    }
});
return root.Parse(args).Invoke();
