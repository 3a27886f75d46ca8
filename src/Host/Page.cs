using System.Reflection;

namespace Weir.Host;

/// <summary>The page at <c>/</c>, one self-contained file inside the assembly.</summary>
internal static class Page
{
    public static byte[] Load()
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("index.html")
            ?? throw new InvalidOperationException("The page index.html is missing from the assembly.");
        using MemoryStream copy = new();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}
