using System.Reflection;

namespace Weir.Redis.Scripts;

/// <summary>
/// The Lua scripts, by the kind of PUB/SUB they announce with. StackExchange.Redis sends a script's text once per server and
/// its hash from then on, and once more where a server has forgotten it.
/// </summary>
internal sealed class ScriptSet
{
    public ScriptSet(bool isSharded)
    {
        string publish = isSharded ? "SPUBLISH" : "PUBLISH";
        Publish = Load("room", "publish");
        History = Load("room", "history");
        Skip = Load("room", "skip");
        Join = Load("presence", "join");
        Leave = Load("presence", "leave");
        Present = Load("presence", "present");

        Probe = Read("probe").Replace("$PUBLISH", publish, StringComparison.Ordinal);

        string Load(string shared, string own)
            => (Read(shared) + Read(own)).Replace("$PUBLISH", publish, StringComparison.Ordinal);
    }

    public string Publish { get; }

    public string History { get; }

    public string Skip { get; }

    public string Probe { get; }

    public string Join { get; }

    public string Leave { get; }

    public string Present { get; }

    private static string Read(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name + ".lua")
            ?? throw new InvalidOperationException($"The script {name} is not in the assembly.");
        using StreamReader reader = new(stream);
        // Without its comments: until Redis has said that it knows a script, each call on its way carries the whole text.
        return string.Join('\n', reader.ReadToEnd().Split('\n').Where(static line => !line.TrimStart().StartsWith("--", StringComparison.Ordinal)));
    }
}
