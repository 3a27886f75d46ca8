using System.Reflection;

namespace Weir.Host;

/// <summary>The files served from the assembly: the page at <c>/</c>, and the client for browsers at <c>/weir.js</c>.</summary>
internal static class Page
{
    public static byte[] Load(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} is missing from the assembly.");
        using MemoryStream copy = new();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}
