using System.Reflection;

namespace Weir.Brokers.Redis.Scripts;

/// <summary>
/// The Lua scripts, for the kind of PUB/SUB they announce with. StackExchange.Redis sends a script's text once per server and
/// its hash from then on, and the text again if a server does not have it any more; publishes are sent by <see cref="OrderedScript"/>.
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
        // Without comments: until Redis has confirmed that it has a script, each call in flight carries the whole text.
        return string.Join(
            '\n',
            reader.ReadToEnd().Split('\n').Where(static line => !line.TrimStart().StartsWith("--", StringComparison.Ordinal)));
    }
}
