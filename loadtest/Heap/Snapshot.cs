using System.Globalization;
using Microsoft.Diagnostics.Runtime;

namespace Weir.LoadTest.Heap;

/// <summary>Objects of a process that can be reached from its roots, by type; as a file, lines of count, bytes and type.</summary>
internal sealed class Snapshot
{
    private readonly Dictionary<string, (long Objects, long Bytes)> _types = [];

    public IEnumerable<(string Type, long Objects, long Bytes)> Types
        => _types.Select(static each => (each.Key, each.Value.Objects, each.Value.Bytes));

    public long Bytes => _types.Values.Sum(static each => each.Bytes);

    /// <summary>Stops the process while it looks, some tenths of a second for a small heap.</summary>
    /// <exception cref="InvalidOperationException">No .NET process, or one that may not be looked into.</exception>
    public static Snapshot Of(int processId)
    {
        using DataTarget target = DataTarget.AttachToProcess(processId, suspend: true);
        ClrInfo clr = target.ClrVersions.FirstOrDefault()
            ?? throw new InvalidOperationException($"Process {processId} runs no .NET.");

        // By name: on Linux the library beside the runtime is the one with its structures.
        string access = Path.Combine(Path.GetDirectoryName(clr.ModuleInfo.FileName)!, "libmscordaccore.so");
        using ClrRuntime runtime = clr.CreateRuntime(access, ignoreMismatch: true);
        Snapshot snapshot = new();

        // Unreachable objects are garbage, and the collector decides when they go.
        HashSet<ulong> seen = [];
        Stack<ClrObject> toVisit = new();
        foreach (ClrRoot root in runtime.Heap.EnumerateRoots())
        {
            toVisit.Push(root.Object);
        }

        while (toVisit.TryPop(out ClrObject each))
        {
            if (each.IsValid && each.Type is { IsFree: false, Name: { } name } && seen.Add(each.Address))
            {
                snapshot.Add(name, 1, (long)each.Size);
                foreach (ClrObject next in each.EnumerateReferences(carefully: false, considerDependantHandles: true))
                {
                    toVisit.Push(next);
                }
            }
        }

        return snapshot;
    }

    public static Snapshot Load(string file)
    {
        Snapshot snapshot = new();
        foreach (string[] parts in File.ReadLines(file).Select(static line => line.Split('\t')))
        {
            snapshot.Add(parts[2], long.Parse(parts[0], CultureInfo.InvariantCulture), long.Parse(parts[1], CultureInfo.InvariantCulture));
        }

        return snapshot;
    }

    public void Save(string file)
        => File.WriteAllLines(file, _types.Select(static each => $"{each.Value.Objects}\t{each.Value.Bytes}\t{each.Key}"));

    public Snapshot Minus(Snapshot before)
    {
        Snapshot difference = new();
        foreach (string type in _types.Keys.Union(before._types.Keys))
        {
            (long objects, long bytes) = _types.GetValueOrDefault(type);
            (long objectsBefore, long bytesBefore) = before._types.GetValueOrDefault(type);
            difference.Add(type, objects - objectsBefore, bytes - bytesBefore);
        }

        return difference;
    }

    private void Add(string type, long objects, long bytes)
    {
        (long Objects, long Bytes) known = _types.GetValueOrDefault(type);
        _types[type] = (known.Objects + objects, known.Bytes + bytes);
    }
}
