using System.Net.Sockets;
using System.Security.Authentication;
using NBomber.Contracts;
using NBomber.CSharp;
using Weir.LoadTest.Client;

namespace Weir.LoadTest.Suite;

/// <summary>
/// Steps whose failures have a status code: NBomber counts messages by their codes only, and keeps the first message of each.
/// </summary>
internal static class SuiteStep
{
    /// <summary>Runs a part of an iteration and counts it by its name.</summary>
    /// <returns>
    /// Its success or failure, for the iteration to return, without code and size: NBomber adds those of the steps to the iteration's,
    /// so that an iteration that returned its step's response would double them.
    /// </returns>
    public static async Task<Response<object>> RunAsync(string name, IScenarioContext context, Func<Task<Response<object>>> run)
    {
        Response<object> response = await Step.Run(name, context, () => CaughtAsync(run));
        return response.IsError ? Response.Fail() : Response.Ok();
    }

    /// <summary>
    /// Makes a response of an exception that a connection can end in. NBomber writes a stack trace for each that it catches itself.
    /// </summary>
    public static async Task<Response<object>> CaughtAsync(Func<Task<Response<object>>> run)
    {
        try
        {
            return await run();
        }
        catch (Exception error) when (CodeOf(error) is { } code)
        {
            return Response.Fail(statusCode: code, message: error.Message);
        }
    }

    // Null: no failure of a connection, but a fault of the scenario.
    private static string? CodeOf(Exception error) => error switch
    {
        ConnectionFailure failure => failure.Code,
        SocketException socket => $"{socket.SocketErrorCode}",
        IOException { InnerException: SocketException socket } => $"{socket.SocketErrorCode}",
        IOException or ObjectDisposedException => $"{ConnectionEnd.NoCloseFrame}",
        AuthenticationException => "tls",
        TimeoutException => "timeout",
        _ => null,
    };
}
