namespace Weir.Host.Features.Pages;

/// <summary>The page at <c>/</c>, and the client for browsers at <c>/weir.js</c>.</summary>
internal sealed class PagesFeature : Feature
{
    public override void Map(WebApplication app)
    {
        byte[] page = EmbeddedFile.Load("index.html"), script = EmbeddedFile.Load("weir.js");
        app.MapGet("/", () => Results.Bytes(page, "text/html; charset=utf-8"));
        app.MapGet("/weir.js", () => Results.Bytes(script, "text/javascript; charset=utf-8"));
    }
}
