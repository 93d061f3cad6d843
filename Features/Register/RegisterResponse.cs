using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.Register;

sealed record RegisterResponse([property: Range(1, double.MaxValue)] long Id, string Message);

/// <summary>The one answer of a service that tells nobody which addresses are taken.</summary>
sealed record RegisterPendingResponse(string Message)
{
    public const string Sentence = "Look into your mail: what to do next is there";
}
