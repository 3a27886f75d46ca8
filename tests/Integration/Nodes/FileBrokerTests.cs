using System.Text.Json;
using Weir.Integration.Relay;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Nodes;

/// <summary>A lone node with its history in files: what clients and operators see of it.</summary>
public sealed class FileBrokerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("weir-file-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Node_Killed_HasItsHistoryBack_AndAClientContinuesWithoutALoss()
    {
        string[] texts = ["one", "two", "three"];
        string id;
        await using (HostProcess before = await StartAsync())
        {
            using HttpClient http = RelayHost.NewClient(before);
            JsonElement position = default;
            foreach (string text in texts[..2])
            {
                position = (await PublishAsync(http, text)).GetProperty("result");
            }

            id = $"{position.GetProperty("epoch").GetString()}:{position.GetProperty("offset").GetInt64()}";
            await PublishAsync(http, texts[2]);
            before.Kill();
            await before.ExitAsync();
        }

        await using HostProcess after = await StartAsync();
        using HttpClient again = RelayHost.NewClient(after);
        JsonElement history = (await RelayHost.CallAsync(again, "history", """{"channel":"kept:a","limit":-1}""")).GetProperty("result");
        string missed = await ReadEventAsync(again, id);

        Assert.Equal(texts, history.GetProperty("publications").EnumerateArray().Select(static each => each.GetProperty("data").GetString()!));
        Assert.Contains("three", missed, StringComparison.Ordinal);
        Assert.DoesNotContain("lost", missed, StringComparison.Ordinal);
        Assert.Equal(4, (await PublishAsync(again, "four")).GetProperty("result").GetProperty("offset").GetInt64());
        Assert.Equal("Healthy", await again.GetStringAsync("/health/ready").Within());
        await after.MetricBecomesAsync("weir_file_snapshots_total", static value => value >= 1);
    }

    [Fact]
    public async Task Path_Missing_IsNamedBeforeTheStart()
    {
        (int exitCode, _, string errors) = await HostProcess.RunAsync(
            ["--urls", "http://127.0.0.1:0"], ("Weir__Broker__Kind", "file")).Within(Bounded.StartLimit);

        Assert.Equal(1, exitCode);
        Assert.Contains("Weir:File:Path is ''; allowed is a folder", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Folder_OfAnotherProcess_EndsTheStart()
    {
        await using HostProcess first = await StartAsync();

        (int exitCode, _, string errors) = await HostProcess.RunAsync(
            ["--urls", "http://127.0.0.1:0"], ("Weir__Broker__Kind", "File"), ("Weir__File__Path", _folder)).Within(Bounded.StartLimit);

        Assert.Equal(1, exitCode);
        Assert.Contains("Weir cannot start. Path (of the Host: Weir:File:Path) is " + _folder, errors, StringComparison.Ordinal);
    }

    private static Task<JsonElement> PublishAsync(HttpClient http, string text)
        => RelayHost.CallAsync(http, "publish", $$"""{"channel":"kept:a","data":"{{text}}"}""");

    // Up to the first event with data.
    private static async Task<string> ReadEventAsync(HttpClient http, string lastId)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, "/sse?room=kept:a");
        request.Headers.TryAddWithoutValidation("Last-Event-ID", lastId);
        using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).Within();
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync().Within());
        string text = "";
        while (await reader.ReadLineAsync().Within() is { } line)
        {
            text += line + "\n";
            if (line.StartsWith("data:", StringComparison.Ordinal))
            {
                break;
            }
        }

        return text;
    }

    private Task<HostProcess> StartAsync() => HostProcess.StartAsync(
        ("Weir__Broker__Kind", "File"),
        ("Weir__File__Path", _folder),
        ("Weir__Rooms__0__Pattern", "kept:*"),
        ("Weir__Rooms__0__HistorySize", "100"),
        ("Weir__Api__Key", RelayHost.Key),
        ("DOTNET_gcServer", "0"));
}
